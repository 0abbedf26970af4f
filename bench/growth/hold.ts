/**
 * Opens connections, asks once on each, and holds them: `hold.ts IP PORT COUNT`. Says "held" when all stand, and ends
 * when its standard input does.
 */
const [hostname = "", port = "", count = ""] = Deno.args, wanted = Number(count), held: Deno.TcpConn[] = [];
const request = new TextEncoder().encode("GET / HTTP/1.1\r\nhost: web\r\n\r\n"),
  answer = new Uint8Array(4096);

async function open(): Promise<void> {
  const connection = await Deno.connect({ hostname, port: Number(port) });
  await connection.write(request);
  await connection.read(answer);
  held.push(connection);
}

while (held.length < wanted) {
  await Promise.all(Array.from({ length: Math.min(50, wanted - held.length) }, open));
}
console.log("held");
await Deno.stdin.read(new Uint8Array(1));
Deno.exit(0);
