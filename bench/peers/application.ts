/** The application that is behind every proxy: nginx with fixed answers, over HTTP/1, HTTP/2 and as a gRPC method. */
import type { Environment } from "./environment.ts";
import { start } from "./candidate.ts";

export const APPLICATION_PORT = 9000, HTTP2_APPLICATION_PORT = 9001;
/** The gRPC method, on the HTTP/2 port. */
export const GRPC_METHOD = "/bench.Echo/Unary", GRPC_TEXT = "hello";
/** A message of gRPC: not compressed, seven bytes, its first field the text. */
export const GRPC_MESSAGE = `\0\0\0\0\x07\n\x05${GRPC_TEXT}`;

/** An answer of 49 bytes; and of the gRPC method one message with its status in trailers. */
function nginx(directory: string): string {
  return `worker_processes 1; daemon off; pid ${directory}/nginx.pid; error_log /dev/null;
events { worker_connections 20000; }
http { access_log off; keepalive_requests 100000000; keepalive_timeout 3600; server {
listen ${APPLICATION_PORT} backlog=16384; listen ${HTTP2_APPLICATION_PORT} http2;
location / { return 200 "hello world, this is a response body of some size\\n"; }
location = /requests { stub_status; }
location = ${GRPC_METHOD} { default_type application/grpc; add_trailer grpc-status 0; return 200 "${GRPC_MESSAGE}"; } } }
`;
}

/** Starts it beside the server. */
export async function startApplication(environment: Environment): Promise<void> {
  const configuration = environment.write("nginx.conf", nginx(environment.directory));
  await start(environment, "server", "nginx", APPLICATION_PORT, ["nginx", "-c", configuration]);
}

/** Requests that it has answered up to now. */
export async function answeredRequests(environment: Environment): Promise<number> {
  const ask =
    `exec 3<>/dev/tcp/127.0.0.1/${APPLICATION_PORT}; printf 'GET /requests HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3`;
  const text = await environment.output("server", "bash", "-c", ask);
  const count = /^ \d+ \d+ (\d+) $/m.exec(text)?.[1];
  if (count === undefined) throw new Error(`the application does not tell its requests: ${text}`);
  return Number(count);
}
