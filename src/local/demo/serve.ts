/** An HTTP server that ends as a good citizen: goes on serving while it is taken out of discovery, then finishes. */

/** From SIGTERM to the end of listening: time for the last proxies to learn that this replica is gone. */
const LAME_DUCK_MS = 1500;

/** Resolves on SIGTERM or SIGINT. */
export function terminated(): Promise<void> {
  return new Promise((done) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) Deno.addSignalListener(signal, () => done());
  });
}

/** Serves until terminated; a handler that throws is a 502 with the reason. */
export async function serveHttp(
  port: number,
  handle: (request: Request) => Response | Promise<Response>,
): Promise<void> {
  const server = Deno.serve({
    port,
    hostname: "0.0.0.0",
    onListen: () => console.log(`listening on ${port}`),
    onError: (error) =>
      new Response(`${error instanceof Error && error.message || error}\n`, { status: 502 }),
  }, (request) => new URL(request.url).pathname === "/healthz" ? new Response("ok\n") : handle(request));
  await terminated();
  await new Promise((done) => setTimeout(done, LAME_DUCK_MS));
  await server.shutdown();
}
