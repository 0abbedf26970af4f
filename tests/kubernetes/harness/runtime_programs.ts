/** What a node runs beside Kubernetes: the machine's own programs, or Debian's, unpacked beside the cache. */
import { exists } from "../../../tools/command.ts";
import { type DebianPackage, debianPackages } from "../../../tools/image/debian.ts";
import { CACHE } from "./cache.ts";

/** Programs by name, and the packages that bring them with the libraries they link to. */
const PROGRAMS = ["containerd", "containerd-shim-runc-v2", "ctr", "runc", "etcd", "nft"] as const;
const PACKAGES = [
  "containerd",
  "runc",
  "libseccomp2",
  "containernetworking-plugins",
  "etcd-server",
  "nftables",
  "libnftables1",
  "libnftnl11",
  "libmnl0",
  "libxtables12",
  ["libjansson4"],
  ["libgmp10"],
  ["libedit2"],
  ["libbsd0"],
  ["libmd0"],
] as const;

export interface RuntimePrograms {
  /** To be put before the PATH of whatever runs them. */
  readonly path: readonly string[];
  readonly libraries: readonly string[];
  /** The directory of the CNI's own plugins. */
  readonly networkPlugins: string;
}

function isOnPath(name: string): boolean {
  return (Deno.env.get("PATH") ?? "").split(":").some((directory) => exists(`${directory}/${name}`));
}

const DIRECTORIES = ["usr/bin", "usr/sbin", "bin", "sbin"];

function libraryDirectories({ root }: DebianPackage): string[] {
  const triple = `${Deno.build.arch}-linux-gnu`;
  return [`${root}/usr/lib/${triple}`, `${root}/lib/${triple}`].filter(exists);
}

/** @throws Error in one sentence about what is missing and how to get it */
export async function runtimePrograms(): Promise<RuntimePrograms> {
  const own = "/usr/lib/cni";
  if (PROGRAMS.every(isOnPath) && exists(`${own}/host-local`)) {
    return { path: [], libraries: [], networkPlugins: own };
  }
  const architecture = Deno.build.arch === "aarch64" ? "arm64" : "amd64";
  await Deno.mkdir(`${CACHE}/debian`, { recursive: true });
  const packages = await debianPackages(architecture, PACKAGES, `${CACHE}/debian`);
  const plugins = packages.map(({ root }) => `${root}${own}`).find(exists);
  if (plugins === undefined) throw new Error("containernetworking-plugins holds no plugins");
  return {
    path: packages.flatMap(({ root }) => DIRECTORIES.map((each) => `${root}/${each}`)).filter(exists),
    libraries: packages.flatMap(libraryDirectories),
    networkPlugins: plugins,
  };
}
