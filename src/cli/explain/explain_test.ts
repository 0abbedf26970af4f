import assert from "node:assert/strict";
import { SYSTEM } from "../environment.ts";
import { CODES, explain } from "./explain.ts";
import { PROXY_CODES } from "./proxy_codes.ts";

async function* sourceFiles(folder: string): AsyncGenerator<string> {
  for await (const entry of Deno.readDir(folder)) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) yield* sourceFiles(path);
    else if (/(?<!_test)\.tsx?$/.test(entry.name)) yield path;
  }
}

const ROOT = new URL("../../..", import.meta.url).pathname;

Deno.test("every code that a command or the statistics API can fail with is explained", async () => {
  const pattern = /(?:\bcode: |badRequest\(\s*|\busageFailure\(\s*|\busage\(\s*)"([a-z]+(?:-[a-z]+)*)"/g;
  const missing = new Set<string>();
  for (const folder of ["src/cli", "src/kube", "src/local/cluster", "src/control/telemetry", "manifests"]) {
    for await (const path of sourceFiles(`${ROOT}/${folder}`)) {
      for (const [, code] of (await Deno.readTextFile(path)).matchAll(pattern)) {
        if (CODES[code!] === undefined) missing.add(code!);
      }
    }
  }
  assert.deepEqual([...missing], []);
});

Deno.test("every code of the data plane is explained, and no other", async () => {
  const source = await Deno.readTextFile(`${ROOT}/src/proxy/error.ts`);
  const union = /export type ErrorCode =([^;]+);/.exec(source)?.[1] ?? "";
  assert.deepEqual(
    Object.keys(PROXY_CODES).sort(),
    [...union.matchAll(/"([^"]+)"/g)].map((match) => match[1]).sort(),
  );
});

Deno.test("a code is explained as it is copied from a terminal, and a misspelt one is met with the nearest", async () => {
  let text = "";
  const environment = { ...SYSTEM, print: (more: string) => void (text += more) };
  await explain("[no-endpoints]", { output: "text" }, environment);
  assert.match(text, /^no-endpoints, said by a proxy\n\n {2}The Service has no endpoint that is ready/);
  text = "";
  await explain("value-unknown", { output: "json" }, environment);
  assert.equal(JSON.parse(text).from, "command");
  assert.throws(() => explain("no-endpoint", { output: "text" }, environment), /"no-endpoint"/);
});
