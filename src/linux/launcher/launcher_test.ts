import { equal } from "node:assert/strict";
import { type Architecture, CAPABILITY, fileCapability, launcher, pauseProgram } from "./launcher.ts";

const OWN: Architecture = Deno.build.arch === "aarch64" ? "arm64" : "amd64";
const EMULATOR: Readonly<Record<Architecture, string>> = {
  amd64: "qemu-x86_64-static",
  arm64: "qemu-aarch64-static",
};

function isInstalled(program: string): boolean {
  try {
    new Deno.Command(program, { args: ["--version"], stdout: "null", stderr: "null" }).outputSync();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** The words that run an executable of an architecture here; undefined where that cannot be done. */
function runnerFor(architecture: Architecture): string[] | undefined {
  if (Deno.build.os !== "linux") return undefined;
  if (architecture === OWN) return [];
  return isInstalled(EMULATOR[architecture]) ? [EMULATOR[architecture]] : undefined;
}

function withProgram<T>(bytes: Uint8Array, use: (path: string) => T): T {
  const path = Deno.makeTempFileSync();
  try {
    Deno.writeFileSync(path, bytes);
    Deno.chmodSync(path, 0o755);
    return use(path);
  } finally {
    Deno.removeSync(path);
  }
}

function run(words: readonly string[], environment: Record<string, string> = {}) {
  const [program, ...args] = words;
  const { code, stdout, stderr } = new Deno.Command(program!, { args, env: environment, clearEnv: true })
    .outputSync();
  return { code, out: new TextDecoder().decode(stdout), err: new TextDecoder().decode(stderr) };
}

for (const architecture of ["amd64", "arm64"] as const) {
  const runner = runnerFor(architecture);
  const name = `${architecture}: `, ignore = runner === undefined;

  Deno.test({
    name: `${name}a launcher puts its words before the arguments it was given, and keeps the environment`,
    ignore,
    // An emulated program's execve is the machine's own: the shell is of this architecture either way.
    fn() {
      const bytes = launcher({
        architecture,
        command: ["/bin/sh", "-c", 'echo "$0|$1|$2|$#|$WORD"', "zero"],
      });
      withProgram(bytes, (path) => {
        const { code, out } = run([...runner!, path, "one", "two words"], { WORD: "kept" });
        equal(code, 0);
        equal(out, "zero|one|two words|2|kept\n");
        equal(run([...runner!, path]).out, "zero|||0|\n");
      });
    },
  });

  Deno.test({
    name: `${name}a launcher whose command is not there says so and exits with 127`,
    ignore,
    fn() {
      withProgram(launcher({ architecture, command: ["/nowhere/program", "x"] }), (path) => {
        const { code, err } = run([...runner!, path, "y"]);
        equal(code, 127);
        equal(err, "/nowhere/program could not be started\n");
      });
    },
  });
}

Deno.test({
  name: "a launcher with a capability hands it on to a command that has none of its own",
  ignore: Deno.build.os !== "linux" || Deno.uid() !== 0 || !isInstalled("setpriv") || !isInstalled("setcap"),
  fn() {
    const command = ["/bin/grep", "CapEff", "/proc/self/status"] as const;
    const bytes = launcher({ architecture: OWN, command, capability: "NET_ADMIN" });
    withProgram(bytes, (path) => {
      const as = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"];
      const mask = (2 ** CAPABILITY.NET_ADMIN).toString(16).padStart(16, "0");
      const without = run([...as, path], { PATH: "/usr/bin:/bin" });
      equal(
        without.out,
        `CapEff:\t${"0".repeat(16)}\n`,
        "without it on the file there is nothing to hand on",
      );
      const set = run(["setcap", "cap_net_admin+ep", path], { PATH: "/usr/sbin:/sbin:/usr/bin:/bin" });
      equal(set.code, 0, set.err);
      equal(run([...as, path], { PATH: "/usr/bin:/bin" }).out, `CapEff:\t${mask}\n`);
    });
  },
});

Deno.test({
  name: "the pause program stays until it is killed",
  ignore: runnerFor(OWN) === undefined,
  async fn() {
    const path = Deno.makeTempFileSync();
    Deno.writeFileSync(path, pauseProgram(OWN));
    Deno.chmodSync(path, 0o755);
    const child = new Deno.Command(path).spawn();
    child.kill("SIGSTOP");
    child.kill("SIGCONT");
    child.kill("SIGTERM");
    equal((await child.status).signal, "SIGTERM");
    Deno.removeSync(path);
  },
});

Deno.test("a file's capability is written as the kernel reads it", () => {
  const hexadecimal = [...fileCapability("NET_ADMIN")].map((byte) => byte.toString(16).padStart(2, "0")).join(
    "",
  );
  equal(hexadecimal, "0100000200100000000000000000000000000000");
});
