/**
 * A collector of traces as a pod: takes OTLP/gRPC at 4317, and tells at 8080 what it was sent and by whom. It needs
 * nothing but Deno, since a pod has no cache of packages.
 */
import http2 from "node:http2";

export const OTLP_PORT = 4317, TELLING_PORT = 8080;
/** Of gRPC's framing: a flag and a length. */
const PREFIX = 5;

/** One export: the message, in base64, and the identity of who sent it. */
export interface Exported {
  readonly clientId: string;
  readonly message: string;
}

if (import.meta.main) {
  const exports: Exported[] = [], server = http2.createServer();
  server.on("stream", (stream: http2.ServerHttp2Stream, headers) => {
    const parts: Uint8Array[] = [];
    stream.on("data", (part: Uint8Array) => parts.push(part));
    stream.on("error", () => {}); // whoever sent it is gone, and will send it again
    stream.on("end", () => {
      const message = Uint8Array.from(parts.flatMap((part) => [...part])).subarray(PREFIX);
      exports.push({ clientId: String(headers["l5d-client-id"]), message: message.toBase64() });
      stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      stream.end(new Uint8Array(PREFIX));
    });
  });
  server.listen(OTLP_PORT, "0.0.0.0");
  Deno.serve({ port: TELLING_PORT, hostname: "0.0.0.0" }, () => Response.json(exports));
}
