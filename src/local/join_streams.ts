/** Passes bytes between two connections, both ways, until both have ended. */

/** What a pipe does with an end that was cut: the other side is closed too. */
function ignore(): void {
  // Either side may go away at any time: that ends the pair, and is nobody's failure.
}

/** @param first bytes already read from `near` */
export async function joinStreams(
  near: Deno.Conn,
  far: Deno.Conn,
  first: Uint8Array = new Uint8Array(0),
): Promise<void> {
  try {
    for (let at = 0; at < first.length;) at += await far.write(first.subarray(at));
    await Promise.all([
      near.readable.pipeTo(far.writable).catch(ignore),
      far.readable.pipeTo(near.writable).catch(ignore),
    ]);
  } catch {
    ignore();
  } finally {
    for (const connection of [near, far]) {
      try {
        connection.close();
      } catch {
        ignore(); // pipeTo has closed it
      }
    }
  }
}
