/** What is in the image: a base that changes seldom, the project's programs, and how each of its names starts. */
import { copyrightPackage, type DebianPackage, type PackageName } from "./debian.ts";
import type { ImageConfig } from "./archive.ts";
import { type Architecture, fileCapability, launcher } from "../../src/linux/launcher/launcher.ts";
import { Tree } from "./tree.ts";

/** What the runtime links to, OpenSSL for the data plane, roots for who calls out, and what scanners look at. */
export const PACKAGES: readonly PackageName[] = [
  "base-files",
  "ca-certificates",
  "libc6",
  "libgcc-s1",
  ["libssl3t64", "libssl3"],
];

const LIBRARIES =
  /^(ld-linux-.*|lib(c|m|dl|rt|pthread|resolv|nss_dns|nss_files|gcc_s|ssl|crypto)\.so\.[0-9]+)$/;
const HOME = "/usr/lib/linkerd", RUNTIME = `${HOME}/deno`;
const TRIPLE: Readonly<Record<Architecture, string>> = {
  amd64: "x86_64-linux-gnu",
  arm64: "aarch64-linux-gnu",
};
/** Where executables of each architecture look for their loader, by its ABI. */
const LOADER: Readonly<Record<Architecture, string>> = {
  amd64: "/lib64/ld-linux-x86-64.so.2",
  arm64: "/lib/ld-linux-aarch64.so.1",
};

/** Directories and files below a directory of this machine, by path. Links to directories are not followed. */
function* filesBelow(directory: string, prefix = ""): Generator<{ path: string; name: string }> {
  for (const entry of [...Deno.readDirSync(directory)].sort((one, other) => one.name < other.name ? -1 : 1)) {
    const path = `${prefix}/${entry.name}`;
    if (entry.isDirectory) yield* filesBelow(`${directory}/${entry.name}`, path);
    else yield { path, name: entry.name };
  }
}

function addLibraries(tree: Tree, { root }: DebianPackage, architecture: Architecture): void {
  const where = `/usr/lib/${TRIPLE[architecture]}`;
  for (const { path, name } of filesBelow(root)) {
    if (!LIBRARIES.test(name) || !path.includes(TRIPLE[architecture])) continue;
    tree.file(`${where}/${name}`, Deno.readFileSync(root + path), { isExecutable: true });
  }
}

/** Every root in one file, where OpenSSL and the runtime look for it. */
function addAuthorities(tree: Tree, { root }: DebianPackage): void {
  const certificates = [...filesBelow(root)]
    .filter(({ path }) => path.startsWith("/usr/share/ca-certificates/") && path.endsWith(".crt"))
    .map(({ path }) => Deno.readTextFileSync(root + path).trim() + "\n");
  if (certificates.length === 0) throw new Error("the package ca-certificates holds no certificate");
  tree.file("/etc/ssl/certs/ca-certificates.crt", certificates.join(""));
}

/** Libraries, roots, names of users, and the runtime. No shell, no package manager, nothing that is set-uid. */
export function baseLayer(
  architecture: Architecture,
  packages: readonly DebianPackage[],
  runtime: Uint8Array,
): Tree {
  const tree = new Tree();
  for (const part of packages) {
    addLibraries(tree, part, architecture);
    const documents = `/usr/share/doc/${part.name}`, shared = copyrightPackage(part);
    if (shared !== part.name) tree.link(documents, shared);
    else tree.file(`${documents}/copyright`, Deno.readFileSync(`${part.root}${documents}/copyright`));
    tree.file(`/var/lib/dpkg/status.d/${part.name}`, part.control);
    if (part.name === "ca-certificates") addAuthorities(tree, part);
    if (part.name === "base-files") {
      tree.file("/usr/lib/os-release", Deno.readFileSync(`${part.root}/usr/lib/os-release`));
    }
  }
  tree.link("/lib", "usr/lib");
  if (architecture === "amd64") tree.link("/lib64", "usr/lib64");
  const loader = LOADER[architecture].split("/").at(-1)!;
  tree.link(`/usr${LOADER[architecture]}`, `/usr/lib/${TRIPLE[architecture]}/${loader}`);
  tree.link("/etc/os-release", "../usr/lib/os-release");
  tree.file("/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n");
  const users = [["root", 0], ["linkerd", 2102], ["controller", 2103], ["nobody", 65534]] as const;
  tree.file(
    "/etc/passwd",
    users.map(([name, id]) => `${name}:x:${id}:${id}:${name}:/:/sbin/nologin\n`).join(""),
  );
  tree.file("/etc/group", users.map(([name, id]) => `${name}:x:${id}:\n`).join(""));
  tree.directory("/tmp", 0o1777);
  tree.directory("/run");
  tree.directory("/proc");
  tree.directory("/sys");
  tree.directory("/dev");
  tree.directory("/var");
  tree.link("/var/run", "/run");
  tree.file(RUNTIME, runtime, { isExecutable: true });
  return tree;
}

/** How a program of ours is run: nothing is looked up, checked or cached, so that it starts in milliseconds. */
function run(script: string, ...flags: readonly string[]): [string, ...string[]] {
  return [RUNTIME, "run", "--no-config", "--no-lock", "--quiet", ...flags, `${HOME}/${script}`];
}

/** A young generation of 1 MiB is enough for what allocates little. */
const SMALL = "--v8-flags=--max-semi-space-size=1,--expose-gc";

/** Programs that manifests name by path, the bundle each stands for, and what it needs. */
const LAUNCHERS = {
  [`${HOME}/linkerd2-proxy`]: { script: "proxy.js", flags: ["-A", SMALL] },
  [`${HOME}/linkerd2-proxy-init`]: { script: "init.js", flags: ["-A"], capability: "NET_ADMIN" },
  [`${HOME}/linkerd2-network-validator`]: { script: "validator.js", flags: ["--allow-net"] },
  [`${HOME}/linkerd-await`]: { script: "await.js", flags: ["--allow-net"] },
  "/usr/bin/sleep": { script: "sleep.js", flags: [] },
} as const;

/** @param dist the build's directory */
export async function programLayer(architecture: Architecture, dist: string): Promise<Tree> {
  const tree = new Tree();
  for (const name of ["proxy", "init", "demo", "validator", "await", "sleep", "cni", "cni-plugin"]) {
    tree.file(`${HOME}/${name}.js`, Deno.readFileSync(`${dist}/${name}.js`));
  }
  for (const name of ["proxy.body", "regex.cjs"]) {
    tree.file(`${HOME}/${name}`, Deno.readFileSync(`${dist}/${name}`));
  }
  for (const name of ["controller", "wasm"]) await tree.take(`${HOME}/${name}`, `${dist}/${name}`);
  for (const [path, program] of Object.entries(LAUNCHERS)) {
    const command = run(program.script, ...program.flags);
    const capability = "capability" in program ? program.capability : undefined;
    const bytes = launcher({ architecture, command, ...(capability === undefined ? {} : { capability }) });
    tree.file(path, bytes, {
      isExecutable: true,
      ...(capability === undefined
        ? {}
        : { attributes: { "security.capability": fileCapability(capability) } }),
    });
  }
  tree.link("/bin", "usr/bin");
  return tree;
}

/** The names of the image. @param registry with a slash at its end @param version its tag */
export function imageConfigs(registry: string, version: string): ImageConfig[] {
  const common = {
    environment: {
      PATH: `${HOME}:/usr/bin`,
      DENO_NO_UPDATE_CHECK: "1",
      DENO_DIR: "/tmp/deno",
      NO_COLOR: "1",
    },
    labels: {
      "org.opencontainers.image.version": version,
      "org.opencontainers.image.licenses": "Apache-2.0",
    },
  };
  // Deno.listenTls with reusePort lets the webhook change its certificate without a gap.
  const controller = run("controller/main.js", "-A", "--unstable-net", SMALL);
  const image = (name: string, entrypoint: readonly string[], uid: number) => ({
    name: `${registry}linkerd-deno/${name}`,
    entrypoint,
    user: `${uid}:${uid}`,
    ...common,
  });
  return [
    image(`proxy:${version}`, run("proxy.js", "-A", SMALL), 2102),
    image(`controller:${version}`, controller, 2103),
    image(`cni-plugin:${version}`, run("cni.js", "-A", SMALL), 0),
    image("demo:latest", run("demo.js", "-A", SMALL), 65534),
  ];
}
