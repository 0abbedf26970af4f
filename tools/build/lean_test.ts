import assert from "node:assert/strict";
import { makeLean } from "./lean.ts";

async function run(program: string): Promise<string> {
  const directory = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${directory}/some.js`, program);
    makeLean(directory, "some");
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-config", "-A", `${directory}/some.js`],
      env: { NO_COLOR: "1" },
    }).output();
    return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("a lean program waits at its top level, is strict, and knows where it lies and that it is the main one", async () => {
  const program = "await Promise.resolve();const strict=(function(){return this===undefined})();" +
    "console.log(import.meta.main,strict,new URL(import.meta.url).pathname.endsWith('/some.js'))";
  assert.equal(await run(program), "true true true\n");
});

Deno.test("what it throws names it", async () => {
  assert.match(await run("function f(){throw new Error('no')}f()"), /no[^]*at f \(some\.js/);
});

Deno.test("a bundle that imports or exports is refused", async () => {
  await assert.rejects(run("import x from 'node:fs';x()"), /one module, and has import x/);
  await assert.rejects(run("const a=1;export{a};"), /one module, and has ;?export\{/);
});
