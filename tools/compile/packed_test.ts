import assert from "node:assert/strict";
import { packExecutable } from "./packed.ts";

const DIST = new URL("../../dist", import.meta.url).pathname;

async function withExecutable(use: (path: string, directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "packed-" });
  try {
    const output = `${directory}/linkerd`;
    await packExecutable({ runtime: await Deno.readFile(Deno.execPath()), dist: DIST, output });
    await use(output, directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

async function run(program: string, args: string[], env: Record<string, string>) {
  const { code, stdout, stderr } = await new Deno.Command(program, { args, env, clearEnv: true }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

Deno.test("the packed executable", (test) =>
  withExecutable(async (path, directory) => {
    await test.step("runs where there is no other file of the project, and no runtime", async () => {
      const env = { PATH: "/usr/bin:/bin", HOME: directory };
      const first = await run(path, ["version", "--client", "--short"], env);
      assert.deepEqual([first.code, first.stdout, first.stderr], [0, "0.1.0\n", ""]);
      const unpacked = [...Deno.readDirSync(`${directory}/.cache/linkerd-deno`)];
      assert.equal(unpacked.length, 1, "one copy, and nothing half done");
      const rendered = await run(path, ["install", "--crds", "--ignore-cluster", "-o", "json"], env);
      assert.equal(JSON.parse(rendered.stdout).kind, "List");
      const refused = await run(path, ["instal"], env);
      assert.equal(refused.code, 2, "exit codes are passed on");
      assert.match(refused.stderr, /install/);
    });
    await test.step("unpacks once when it is started twice at once", async () => {
      const env = { PATH: "/usr/bin:/bin", XDG_CACHE_HOME: `${directory}/cache` };
      const both = await Promise.all([1, 2].map(() => run(path, ["version", "--client"], env)));
      assert.deepEqual(both.map(({ code }) => code), [0, 0]);
      assert.equal([...Deno.readDirSync(`${directory}/cache/linkerd-deno`)].length, 1);
    });
    await test.step("says what to do where it cannot unpack itself", async () => {
      const refused = await run(path, ["version"], { PATH: "/usr/bin:/bin", HOME: "/proc/none" });
      assert.equal(refused.code, 1);
      assert.match(refused.stderr, /set XDG_CACHE_HOME/);
    });
  }));
