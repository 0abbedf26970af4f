/**
 * A counter store with a line protocol in which the server speaks first, as SMTP and MySQL do: `+READY`, then for each
 * `INCR key` an answer `:n`. Clients that wait for the greeting are why a mesh must not wait for the client.
 */
import { terminated } from "./serve.ts";

const MAX_LINE = 1024;

async function serve(connection: Deno.TcpConn, counts: Map<string, number>): Promise<void> {
  const encoder = new TextEncoder(), decoder = new TextDecoder(), buffer = new Uint8Array(4096);
  await connection.write(encoder.encode("+READY shop-store 1\n"));
  let pending = "";
  for (;;) {
    const count = await connection.read(buffer);
    if (count === null) return;
    pending += decoder.decode(buffer.subarray(0, count), { stream: true });
    const lines = pending.split("\n");
    pending = lines.pop()!;
    if (pending.length > MAX_LINE) return;
    let answer = "";
    for (const line of lines) {
      const key = /^INCR (\S{1,64})$/.exec(line)?.[1];
      if (key === undefined) {
        answer += "-ERR unknown command\n";
        continue;
      }
      const value = (counts.get(key) ?? 0) + 1;
      counts.set(key, value);
      answer += `:${value}\n`;
    }
    await connection.write(encoder.encode(answer));
  }
}

/** Serves until terminated. */
export async function serveStore(port: number): Promise<void> {
  const listener = Deno.listen({ port, hostname: "0.0.0.0" }), counts = new Map<string, number>();
  console.log(`listening on ${port}`);
  terminated().then(() => listener.close());
  for await (const connection of listener) {
    serve(connection, counts).catch((error) => console.log(`client: ${error.message}`)).finally(() => {
      try {
        connection.close();
      } catch {
        // Closed by the failure that ended it.
      }
    });
  }
}
