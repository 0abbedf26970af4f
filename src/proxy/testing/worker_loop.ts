/**
 * A worker's thread for tests: connections seem redirected to the address in the worker's name, and a connection that
 * comes from the port named there breaks the loop itself, as no handler can.
 */
import { peerAddress } from "../../linux/socket.ts";
import { runWorker, type WorkerName } from "../cores/worker_main.ts";
import type { SocketAddress } from "../../linux/address.ts";

export interface TestWorkerName extends WorkerName {
  readonly destination: SocketAddress;
  /** What a connection to this port of `destination` does to the loop; a test picks. */
  readonly breaks: "throws" | "vanishes" | undefined;
}

const { destination, breaks } = JSON.parse(
  (globalThis as unknown as { name: string }).name,
) as TestWorkerName;
let accepted = 0;

await runWorker({
  originalDestination: () => destination,
  peerAddress: (fd) => {
    accepted++;
    return peerAddress(fd);
  },
}, (loop) => {
  if (breaks === undefined) return;
  const turn = loop.turn.bind(loop);
  Object.defineProperty(loop, "turn", {
    value: (maxWaitMs?: number) => {
      turn(maxWaitMs);
      if (accepted === 0) return;
      if (breaks === "throws") throw new Error("deliberate");
      Deno.exit(3); // in a worker: its thread ends, and no finally of ours runs
    },
  });
});
