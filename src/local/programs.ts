/** What stands for the mesh's and the demo's images on this machine: the bundles of the build, run by this Deno. */
import { bundleDirectory } from "./bundles.ts";

/** How a program of ours is run: nothing is looked up, checked or cached, so that it starts in milliseconds. */
function run(script: string, ...flags: readonly string[]): readonly string[] {
  return [Deno.execPath(), "run", "--no-config", "--no-lock", "--quiet", "-A", ...flags, script];
}

/** V8 for a process that must stay small: a young generation of 1 MiB is enough for what allocates little. */
const SMALL = "--v8-flags=--max-semi-space-size=1,--expose-gc";

/** Image names to command lines, and well-known paths inside images to what stands for them. */
export function programs(): {
  images: Readonly<Record<string, readonly string[]>>;
  commands: Readonly<Record<string, readonly string[]>>;
} {
  const directory = bundleDirectory();
  return {
    images: {
      "linkerd-deno/proxy": run(`${directory}/proxy.js`, SMALL),
      // Deno.listenTls with reusePort lets the webhook change its certificate without a gap.
      "linkerd-deno/controller": run(`${directory}/controller/main.js`, "--unstable-net", SMALL),
      "linkerd-deno/demo": run(`${directory}/demo.js`, SMALL),
    },
    commands: {},
  };
}
