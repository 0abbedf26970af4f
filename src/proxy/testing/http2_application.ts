/** An HTTP/2 application behind a pair, and an HTTP/2 client before it. */
import http2 from "node:http2";
import type { AddressInfo } from "node:net";
import { endpointAt } from "./fake_control.ts";
import { type Pair, SERVER, withPair } from "./meshed_pair.ts";

export interface Http2Answer {
  readonly headers: http2.IncomingHttpHeaders;
  readonly trailers: http2.IncomingHttpHeaders | undefined;
  readonly body: Uint8Array;
}

/** One request on `session`; resolves when its response has ended, and fails when it is reset. */
export function ask(
  session: http2.ClientHttp2Session,
  headers: http2.OutgoingHttpHeaders,
  body?: Uint8Array,
): Promise<Http2Answer> {
  return new Promise((done, failed) => {
    const stream = session.request(headers, { endStream: body === undefined });
    const parts: Uint8Array[] = [];
    let head: http2.IncomingHttpHeaders = {}, trailers: http2.IncomingHttpHeaders | undefined;
    stream.on("response", (headers) => head = headers);
    stream.on("trailers", (headers) => trailers = headers);
    stream.on("data", (part: Uint8Array) => parts.push(part));
    stream.on("error", failed);
    stream.on(
      "end",
      () => done({ headers: head, trailers, body: new Uint8Array(parts.flatMap((part) => [...part])) }),
    );
    if (body !== undefined) stream.end(body);
  });
}

export async function withHttp2(
  onStream: (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => void,
  use: (session: http2.ClientHttp2Session, pair: Pair) => Promise<void>,
  prepare: (pair: Pair) => void = () => {},
): Promise<void> {
  const application = http2.createServer();
  application.on("stream", onStream);
  await new Promise<void>((done) => application.listen(0, "127.0.0.1", done));
  const { port } = application.address() as AddressInfo;
  await withPair(() => new Response(), async (pair) => {
    pair.client.control.endpoints.set("web.shop.svc.cluster.local:80", [
      endpointAt({ ip: "127.0.0.1", port }, SERVER, pair.server.inboundAddress.port),
    ]);
    prepare(pair);
    const session = http2.connect(pair.url);
    try {
      await use(session, pair);
    } finally {
      session.destroy();
    }
  });
  application.close();
}
