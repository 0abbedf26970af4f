/** `linkerd local down`: ends the running laptop cluster and waits until it is gone. */
import { MeshFailure } from "../../mesh/error.ts";
import { Progress } from "../../mesh/progress.ts";
import { formatJson } from "../../mesh/table.ts";
import { readState, requireState } from "./state.ts";

const TIMEOUT_MS = 10_000, POLL_MS = 50;

export async function down(options: { readonly output: string }): Promise<void> {
  const { pid } = requireState();
  await new Progress().step("take the laptop cluster down", async () => {
    Deno.kill(pid, "SIGTERM");
    for (let waited = 0; waited < TIMEOUT_MS; waited += POLL_MS) {
      if (readState() === undefined) return;
      await new Promise((done) => setTimeout(done, POLL_MS));
    }
    throw new MeshFailure({
      code: "still-running",
      source: "mesh",
      detail: `process ${pid} is still there after ${TIMEOUT_MS / 1000} s`,
      remedy: `end it with \`kill -9 ${pid}\`: its pods end with it`,
    });
  });
  if (options.output === "json") console.log(formatJson({ ended: pid }).trimEnd());
}
