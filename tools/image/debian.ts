/**
 * Files of Debian packages, for this machine's architecture or another, without installing anything.
 *
 * apt is asked with lists and a status of its own, so that a foreign architecture leaves no trace on the machine; the
 * release is the machine's. What was unpacked is kept.
 */
import { exists, must } from "../command.ts";
import type { Architecture } from "../../src/linux/launcher/launcher.ts";

export interface DebianPackage {
  readonly name: string;
  /** Where its files lie. */
  readonly root: string;
  /** Its control fields, as scanners of images read them. */
  readonly control: string;
}

/** The package that has the copyright of another's files, where that is not itself. */
export function copyrightPackage({ name, root }: DebianPackage): string {
  const documents = `${root}/usr/share/doc/${name}`;
  return Deno.lstatSync(documents).isSymlink ? Deno.readLinkSync(documents) : name;
}

/** A package, or the first of several names under which releases have it. */
export type PackageName = string | readonly [string, ...string[]];

const LISTS_MAX_AGE_MS = 7 * 86_400_000;

class Apt {
  readonly #options: readonly string[];
  readonly #lists: string;

  constructor(architecture: Architecture, private readonly directory: string) {
    this.#lists = `${directory}/lists`;
    const settings = {
      "APT::Architecture": architecture,
      "APT::Architectures": architecture,
      "APT::Sandbox::User": "root",
      "Acquire::Languages": "none",
      "Dir::State": `${directory}/state`,
      "Dir::State::lists": this.#lists,
      "Dir::State::status": `${directory}/status`,
      "Dir::Cache": `${directory}/cache`,
    };
    this.#options = Object.entries(settings).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
  }

  /** Lists that are there and young enough stay. */
  async update(): Promise<void> {
    await Deno.mkdir(`${this.#lists}/partial`, { recursive: true });
    await Deno.mkdir(`${this.directory}/cache/archives/partial`, { recursive: true });
    await Deno.writeTextFile(`${this.directory}/status`, "");
    const stamp = `${this.directory}/updated`;
    if (exists(stamp) && Date.now() - (Deno.statSync(stamp).mtime?.getTime() ?? 0) < LISTS_MAX_AGE_MS) return;
    await must("apt-get", ["-qq", ...this.#options, "update"]);
    await Deno.writeTextFile(stamp, "");
  }

  async knows(name: string): Promise<boolean> {
    return (await must("apt-cache", [...this.#options, "policy", name])).includes("Candidate:");
  }

  /** Puts `NAME_VERSION_ARCHITECTURE.deb` there. */
  async download(name: string, where: string): Promise<string> {
    await must("apt-get", ["-qq", ...this.#options, "download", name], { cwd: where });
    const found = [...Deno.readDirSync(where)].find((entry) => entry.name.startsWith(`${name}_`));
    if (found === undefined) throw new Error(`apt-get downloaded no package ${name}`);
    return `${where}/${found.name}`;
  }
}

/**
 * @param directory kept between runs, for this architecture alone
 * @throws Error that says what is missing
 */
export async function debianPackages(
  architecture: Architecture,
  names: readonly PackageName[],
  directory: string,
): Promise<DebianPackage[]> {
  for (const program of ["apt-get", "dpkg-deb"]) {
    await must(program, ["--version"]).catch(() => {
      throw new Error(
        `${program} is missing: the image's base is made of Debian packages; run this on Debian or Ubuntu, ` +
          "or build the image with the Containerfile",
      );
    });
  }
  const apt = new Apt(architecture, directory);
  const found: DebianPackage[] = [];
  for (const wanted of names) {
    const alternatives = typeof wanted === "string" ? [wanted] : wanted;
    const name = alternatives.find((each) => exists(`${directory}/${each}/control`)) ??
      await unpackFirst(apt, alternatives, directory);
    found.push({
      name,
      root: `${directory}/${name}/root`,
      control: await Deno.readTextFile(`${directory}/${name}/control`),
    });
  }
  return found;
}

async function unpackFirst(apt: Apt, names: readonly string[], directory: string): Promise<string> {
  await apt.update();
  let name: string | undefined;
  for (const each of names) if (name === undefined && await apt.knows(each)) name = each;
  if (name === undefined) throw new Error(`this system's package sources have no ${names.join(" and no ")}`);
  const where = `${directory}/${name}`;
  await Deno.mkdir(where, { recursive: true });
  const file = await apt.download(name, where);
  await must("dpkg-deb", ["-x", file, `${where}/root`]);
  // Written last: it says that the package is complete.
  await Deno.writeTextFile(`${where}/control`, await must("dpkg-deb", ["-f", file]));
  await Deno.remove(file);
  return name;
}
