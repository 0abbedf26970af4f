/** Server-sent events: one value at once, then one every interval, until the reader leaves or the server stops. */

export interface EventStreamOptions {
  /** The events' name. */
  name: string;
  intervalMs: number;
  /** Aborted when the server stops: the stream then ends in order. */
  stopped: AbortSignal;
}

/** @param value asked for every event; throws for the first: nothing has been sent yet, and the caller answers */
export function eventStream(options: EventStreamOptions, value: () => object): Response {
  const encoder = new TextEncoder();
  const encode = (data: object) =>
    encoder.encode(`event: ${options.name}\ndata: ${JSON.stringify(data)}\n\n`);
  const first = encode(value());
  let release = () => {};
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(first);
      const end = () => {
        release();
        controller.close();
      };
      const timer = setInterval(() => {
        // A reader that has fallen behind gets the next figures, not all of them.
        if ((controller.desiredSize ?? 0) <= 0) return;
        try {
          controller.enqueue(encode(value()));
        } catch (error) {
          release();
          controller.error(error);
        }
      }, options.intervalMs);
      options.stopped.addEventListener("abort", end, { once: true });
      release = () => {
        clearInterval(timer);
        options.stopped.removeEventListener("abort", end);
      };
    },
    cancel: () => release(),
  }, { highWaterMark: 4 });
  return new Response(body, {
    headers: { "content-type": "text/event-stream", "cache-control": "no-store" },
  });
}
