/**
 * The CLI as one executable that needs no other file: a shell script with the runtime and the programs behind it.
 *
 * It stands in for `deno compile` where that one's base binary cannot be had, and for other platforms than this one's.
 * At its first start it unpacks itself into the user's cache, under a name made from its content, and from then on it
 * starts as quickly as the runtime does. It needs sh, tail, tar, gzip and mktemp, which every Linux has.
 */
import { must } from "../command.ts";

/** What the script does before the archive begins. @param digest names what is in it */
function preamble(digest: string, offset: number): string {
  return `#!/bin/sh
# Linkerd on Deno: the runtime and the programs follow this script, as a compressed archive.
cache="\${XDG_CACHE_HOME:-\${HOME:-/nonexistent}/.cache}/linkerd-deno"
home="$cache/${digest}"
if ! [ -x "$home/deno" ]; then
  mkdir -p "$cache" 2>/dev/null && new=$(mktemp -d "$cache/new.XXXXXX" 2>/dev/null) || {
    echo "× linkerd unpacks itself when it first starts, and $cache cannot be written: set XDG_CACHE_HOME to a directory that can" >&2
    exit 1
  }
  trap 'rm -rf "$new"' EXIT INT TERM
  tail -c +${offset} "$0" | tar -xz -C "$new" -f - && [ -x "$new/deno" ] || {
    echo "× linkerd could not unpack itself into $cache: is there room for 150 MB, and are tar and gzip there?" >&2
    exit 1
  }
  # Another one that starts now may have been first: either copy is as good.
  mv -T "$new" "$home" 2>/dev/null || [ -x "$home/deno" ] || exit 1
  rm -rf "$new"
  trap - EXIT INT TERM
fi
DENO_NO_UPDATE_CHECK=1 exec "$home/deno" run --no-config --no-lock --quiet -A "$home/linkerd/main.js" "$@"
`;
}

export interface PackedExecutable {
  /** The runtime's own executable. */
  readonly runtime: Uint8Array;
  /** The build's directory. */
  readonly dist: string;
  readonly output: string;
}

/** Writes the executable. @returns its size in bytes @throws Error when tar cannot be run */
export async function packExecutable({ runtime, dist, output }: PackedExecutable): Promise<number> {
  const work = await Deno.makeTempDir({ prefix: "linkerd-pack-" });
  try {
    await Deno.writeFile(`${work}/deno`, runtime, { mode: 0o755 });
    await must("cp", ["-R", ...PROGRAMS.map((name) => `${dist}/${name}`), work]);
    const fixed = ["--sort=name", "--owner=0", "--group=0", "--numeric-owner", "--mtime=@0"];
    await must("tar", [...fixed, "-C", work, "-cf", `${work}.tar`, "deno", ...PROGRAMS]);
    const digest = (await must("sha256sum", [`${work}.tar`])).slice(0, 16);
    await must("gzip", ["-n", "-f", `${work}.tar`]);
    // The offset's own digits are part of what it counts.
    const lengthOf = (offset: number) => new TextEncoder().encode(preamble(digest, offset)).length;
    let offset = 1000;
    while (lengthOf(offset) + 1 !== offset) offset = lengthOf(offset) + 1;
    const script = new TextEncoder().encode(preamble(digest, offset));
    await Deno.writeFile(output, script, { mode: 0o755 });
    using file = await Deno.open(output, { append: true });
    using archive = await Deno.open(`${work}.tar.gz`);
    await archive.readable.pipeTo(file.writable);
    await Deno.chmod(output, 0o755);
    return (await Deno.stat(output)).size;
  } finally {
    await Deno.remove(work, { recursive: true });
    await Deno.remove(`${work}.tar.gz`).catch(() => {}); // not made, if something failed before
  }
}

/** What the CLI starts or reads; images are for clusters. */
const PROGRAMS = [
  "linkerd",
  "node",
  "controller",
  "dashboard",
  "wasm",
  "proxy.js",
  "proxy.body",
  "regex.cjs",
  "demo.js",
  "init.js",
]
  .concat(["validator.js", "await.js", "sleep.js", "cni.js", "cni-plugin.js"]);
