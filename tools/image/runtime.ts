/** The runtime's own executable for an architecture: this process's, or the one its npm package has. */
import { exists, must } from "../command.ts";
import type { Architecture } from "../../src/linux/launcher/launcher.ts";

const PACKAGE: Readonly<Record<Architecture, string>> = {
  amd64: "@deno/linux-x64-glibc",
  arm64: "@deno/linux-arm64-glibc",
};
const OWN: Architecture = Deno.build.arch === "aarch64" ? "arm64" : "amd64";

/** @param directory kept between runs @throws Error that says what is missing */
export async function runtimeExecutable(architecture: Architecture, directory: string): Promise<Uint8Array> {
  if (architecture === OWN && Deno.build.os === "linux") return await Deno.readFile(Deno.execPath());
  const { deno: version } = Deno.version;
  const where = `${directory}/deno-${version}`;
  if (!exists(`${where}/package/deno`)) {
    await Deno.mkdir(where, { recursive: true });
    const name = `${PACKAGE[architecture]}@${version}`;
    const file = (await must("npm", ["pack", "--silent", "--pack-destination", where, name])).trim();
    await must("tar", ["-xzf", `${where}/${file}`, "-C", where]);
    await Deno.remove(`${where}/${file}`);
  }
  return await Deno.readFile(`${where}/package/deno`);
}
