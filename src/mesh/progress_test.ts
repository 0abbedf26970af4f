import { equal, rejects } from "node:assert/strict";
import { Progress } from "./progress.ts";

function recorder(isTerminal: boolean) {
  const output = { text: "", isTerminal, write: (text: string) => void (output.text += text) };
  return output;
}

Deno.test("in a pipe each step is one line with its time, and nothing else", async () => {
  const output = recorder(false);
  let now = 0;
  const progress = new Progress(output, () => now);
  await progress.step("start the node", (update) => {
    update("1 of 2");
    now += 1234;
    return Promise.resolve();
  });
  equal(output.text, "√ start the node 1.2 s\n");
});

Deno.test("on a terminal the running step is shown with how far it is, then replaced", async () => {
  const output = recorder(true);
  await new Progress(output, () => 0).step("apply", (update) => Promise.resolve(update("3 of 9")));
  equal(output.text, "\r\x1b[2K· apply\r\x1b[2K· apply 3 of 9\r\x1b[2K√ apply 0.0 s\n");
});

Deno.test("a step that fails is marked, and its error goes on", async () => {
  const output = recorder(false);
  await rejects(new Progress(output, () => 0).step("wait", () => Promise.reject(new Error("no"))), /no/);
  equal(output.text, "× wait 0.0 s\n");
});
