/** Turns a loop from Deno's event loop, so that ordinary Deno code runs beside it in a test. */
import type { Loop } from "../worker/loop.ts";

/** @returns a function that ends it */
export function drive(loop: Loop): () => Promise<void> {
  let isStopped = false;
  const driving = (async () => {
    while (!isStopped) {
      loop.turn(0);
      await new Promise((done) => setTimeout(done, 0));
    }
  })();
  return () => {
    isStopped = true;
    return driving;
  };
}
