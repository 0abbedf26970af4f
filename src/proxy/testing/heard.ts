/** Short conversations on loopback ports. */

/**
 * Sends `text`, if any, on a connection of its own.
 * @returns the first bytes that come back as text; "" when the connection is cut, be it before this side knew of it
 */
export async function heard(port: number, text: string): Promise<string> {
  let connection: Deno.TcpConn | undefined;
  try {
    connection = await Deno.connect({ port, hostname: "127.0.0.1" });
    if (text !== "") await connection.write(new TextEncoder().encode(text));
    const buffer = new Uint8Array(4096), count = await connection.read(buffer);
    return new TextDecoder().decode(buffer.subarray(0, count ?? 0));
  } catch (error) {
    const isCut = error instanceof Deno.errors.ConnectionReset || error instanceof Deno.errors.BrokenPipe ||
      error instanceof Deno.errors.NotConnected;
    if (!isCut) throw error;
    return "";
  } finally {
    connection?.close();
  }
}

/** Says `hello` to whoever connects to a loopback port, and closes, until it is closed itself. */
export function greeter(): { readonly port: number; close(): void } {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  (async () => {
    for await (const connection of listener) {
      await connection.write(new TextEncoder().encode("hello"));
      connection.close();
    }
  })().catch(() => {}); // the listener was closed
  return { port: (listener.addr as Deno.NetAddr).port, close: () => listener.close() };
}
