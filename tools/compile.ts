/**
 * `deno task compile`: the CLI as one executable, dist/linkerd-OS-ARCH.
 *
 * usage: deno run -A tools/compile.ts [--target TRIPLE] [--packed]
 *
 * By `deno compile`, for this platform or another. It needs the runtime's base binary, which Deno downloads; where that
 * cannot be had, and with --packed, Linux executables are packed from the runtime's npm package instead.
 */
import type { Architecture } from "../src/linux/launcher/launcher.ts";
import { packExecutable } from "./compile/packed.ts";
import { runtimeExecutable } from "./image/runtime.ts";

const TARGETS = [
  "x86_64-unknown-linux-gnu",
  "aarch64-unknown-linux-gnu",
  "x86_64-apple-darwin",
  "aarch64-apple-darwin",
  "x86_64-pc-windows-msvc",
];

const root = new URL("..", import.meta.url).pathname;
const at = Deno.args.findIndex((argument) => argument.startsWith("--target"));
const target = at < 0 ? Deno.build.target : Deno.args[at]!.split("=")[1] ?? Deno.args[at + 1] ?? "";
if (!TARGETS.includes(target)) {
  console.error(
    `there is no runtime for ${target || "a target without a name"}: it is one of ${TARGETS.join(", ")}`,
  );
  Deno.exit(2);
}
const [machine, , system] = target.split("-");
const output = `${root}dist/linkerd-${system}-${machine}`;

/** @returns whether it was made; what went wrong is told */
async function compile(): Promise<boolean> {
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "compile",
      ...["-A", "--target", target, "--include", `${root}dist`, "--output", output],
      `${root}dist/linkerd/main.js`,
    ],
    env: { RUST_BACKTRACE: "0" },
    stdout: "inherit",
    stderr: "piped",
  }).output();
  if (!success) console.error(new TextDecoder().decode(stderr).trim().split("\n").slice(0, 3).join("\n"));
  return success;
}

if (Deno.args.includes("--packed") || !await compile()) {
  if (system !== "linux") {
    console.error(
      `the executable for ${target} was not made: only Linux's can be packed without the base binary`,
    );
    Deno.exit(1);
  }
  const architecture: Architecture = machine === "aarch64" ? "arm64" : "amd64";
  const cache = `${root}.cache/image/${architecture}`;
  await Deno.mkdir(cache, { recursive: true });
  const runtime = await runtimeExecutable(architecture, cache);
  const sizeBytes = await packExecutable({ runtime, dist: `${root}dist`, output });
  console.log(`packed with the runtime's npm package, ${(sizeBytes / 2 ** 20).toFixed(0)} MB`);
}
console.log(output);
