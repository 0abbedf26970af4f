import assert from "node:assert/strict";
import { isolatedTest } from "./isolated.ts";
import { isolationObstacle, ownPlace, unshareArguments } from "./unshare.ts";

isolatedTest(
  "a process in fresh namespaces is the first of its kind and sees itself",
  import.meta.url,
  () => {
    assert.equal(Deno.pid, 1);
    assert.equal(Deno.uid(), 0);
    assert.equal(Deno.readLinkSync("/proc/self"), "1");
  },
);

Deno.test("an ordinary user gets a user namespace, root does not need one", () => {
  assert.deepEqual(unshareArguments("user namespace").slice(0, 2), ["--user", "--map-root-user"]);
  assert.equal(unshareArguments("root").includes("--user"), false);
  assert.equal(ownPlace(), Deno.uid() === 0 ? "root" : "user namespace");
});

Deno.test("what stands in the way is one sentence with a remedy", () => {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "eval",
      "--no-check",
      `import { isolationObstacle } from ${JSON.stringify(new URL("./unshare.ts", import.meta.url).href)};
       console.log(isolationObstacle());`,
    ],
    env: { PATH: "/nowhere" },
  }).outputSync();
  assert.match(new TextDecoder().decode(child.stdout), /`unshare` is missing; .*; install util-linux/);
  const here = isolationObstacle();
  assert.ok(
    here === undefined || here.includes("the pods of the laptop cluster live in namespaces"),
    String(here),
  );
});
