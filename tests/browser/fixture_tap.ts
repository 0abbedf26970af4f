/** Requests of the fixture's web, one by one, for as long as somebody reads them. */
import type { TapEventRecord, TapLine } from "../../src/mesh/tap.ts";

const INTERVAL_MS = 50;

const pod = (name: string, ip: string, tls: string) => ({ ip, port: 8080, metadata: { pod: name, tls } });
const WEB = pod("web-6d8f9-x2x7v", "10.42.0.7", "loopback");
/** Who is at the other end, which way, for what, and how it ends. */
const REQUESTS = [
  [pod("load-5c9d7-k8k2p", "10.42.0.3", "true"), "INBOUND", "GET", "/", 200],
  [pod("catalog-0", "10.42.0.8", "true"), "OUTBOUND", "GET", "/goods", 200],
  [pod("payment-7b6c5-q9q4r", "10.42.0.9", "true"), "OUTBOUND", "POST", "/pay", 503],
  [pod("load-5c9d7-k8k2p", "10.42.0.3", "true"), "INBOUND", "GET", "/missing", 404],
] as const;

function eventsOf(stream: number): TapEventRecord[] {
  const [peer, proxyDirection, method, path, httpStatus] = REQUESTS[stream % REQUESTS.length]!;
  const isInbound = proxyDirection === "INBOUND";
  const common = {
    source: isInbound ? peer : WEB,
    destination: isInbound ? WEB : peer,
    routeMeta: {},
    proxyDirection,
  };
  const id = { base: 1, stream }, sinceRequestInit = { seconds: 0, nanos: 1e6 * (1 + stream % 40) };
  return [
    { ...common, requestInitEvent: { id, method, scheme: "HTTP", authority: "web", path, headers: [] } },
    { ...common, responseInitEvent: { id, sinceRequestInit, httpStatus, headers: [] } },
    {
      ...common,
      responseEndEvent: {
        id,
        sinceRequestInit,
        sinceResponseInit: sinceRequestInit,
        responseBytes: 211,
        trailers: [],
      },
    },
  ];
}

export function fixtureTap(): Response {
  let timer: ReturnType<typeof setInterval>, stream = 0;
  const encode = (line: TapLine) => new TextEncoder().encode(`${JSON.stringify(line)}\n`);
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(encode({ observing: { pods: ["shop/web-6d8f9-x2x7v"], untapped: [] } }));
      timer = setInterval(() => {
        for (const event of eventsOf(stream++)) {
          // A reader may leave between one event and the next.
          if ((controller.desiredSize ?? 0) > 0) controller.enqueue(encode({ event }));
        }
      }, INTERVAL_MS);
    },
    cancel: () => clearInterval(timer),
  }, { highWaterMark: 16 });
  return new Response(body, { headers: { "content-type": "application/x-ndjson" } });
}
