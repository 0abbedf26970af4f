/** Answers of live pages: server-sent events, or why there are none. */

/** What a reader's stream begins with: how soon to come back when it breaks. */
export const RETRY_LINE = "retry: 2000\n\n";

export function eventResponse(body: ReadableStream<Uint8Array>): Response {
  return new Response(body, {
    headers: {
      "content-type": "text/event-stream",
      "cache-control": "no-store",
      "x-accel-buffering": "no",
    },
  });
}

export function tooManyReaders(): Response {
  return new Response("too many readers\n", { status: 503, headers: { "retry-after": "10" } });
}
