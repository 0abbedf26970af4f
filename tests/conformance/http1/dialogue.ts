/** A client that says given bytes, and hears everything until the connection ends. */
import { bytesOf, latin1, readResponses } from "./wire.ts";

export interface Heard {
  readonly text: string;
  /** The connection ended in order; false when it was reset. */
  readonly isOrderly: boolean;
  /** The proxy ended the connection before the client said its end. */
  readonly isClosedByProxy: boolean;
}

function isGone(error: unknown): boolean {
  return error instanceof Deno.errors.ConnectionReset || error instanceof Deno.errors.BrokenPipe;
}

/**
 * Says `text`, waits until `count` final responses are whole (or the connection ends), says its end, and reads on to the
 * connection's.
 * @param pieces in how many writes the bytes are sent
 */
export async function converse(
  port: number,
  text: string,
  count: number,
  methods: readonly string[] = [],
): Promise<Heard> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port }), buffer = new Uint8Array(65536);
  let heard = "", isOrderly = true, hasEnded = false, isClosedByProxy = false;
  const writing = (async () => {
    try {
      let left = bytesOf(text);
      while (left.length > 0) left = left.subarray(await connection.write(left));
    } catch (error) {
      if (!isGone(error)) throw error; // a proxy that refuses need not read to the end of what it refuses
    }
  })();
  try {
    for (;;) {
      const finals = readResponses(heard, methods, false).messages.filter(({ start }) =>
        !/ 1\d\d\b/.test(start)
      );
      if (!hasEnded && finals.length >= count) {
        hasEnded = true;
        await writing;
        await connection.closeWrite().catch((error) => {
          if (!(error instanceof Deno.errors.NotConnected) && !isGone(error)) throw error;
        });
      }
      const read = await connection.read(buffer);
      if (read === null) break;
      heard += latin1(buffer.subarray(0, read));
    }
  } catch (error) {
    if (!isGone(error)) throw error;
    isOrderly = false;
  }
  isClosedByProxy = !hasEnded;
  await writing;
  connection.close();
  return { text: heard, isOrderly, isClosedByProxy };
}
