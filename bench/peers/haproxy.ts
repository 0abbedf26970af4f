/** HAProxy with one thread, as pairs and as one hop. No session tickets and no resumption, as between our proxies. */
import { APPLICATION_PORT, HTTP2_APPLICATION_PORT } from "./application.ts";
import { type Candidate, start } from "./candidate.ts";
import { SERVER_NAME } from "./certificates.ts";
import { type Environment, SERVER_IP, type Side } from "./environment.ts";

/** One front and one back; `tcp` moves bytes, by splice where it can. */
export function haproxy(bind: string, server: string, mode: "http" | "tcp" = "http"): string {
  return `global
  nbthread 1
  maxconn ${mode === "http" ? 9900 : 4000}
defaults
  mode ${mode}
  timeout connect 5s
  timeout client 1h
  timeout server 1h
  ${mode === "http" ? "http-reuse always" : "option splice-auto"}
frontend f
  bind 0.0.0.0:${bind}
  default_backend b
backend b
  server s ${server}
`;
}

/** What `bind` says beside the server: mutual TLS. */
export function acceptTls(directory: string): string {
  return `ssl crt ${directory}/server.pem ca-file ${directory}/ca.crt verify required ssl-min-ver TLSv1.3 no-tls-tickets`;
}

/** What `server` says beside the client: mutual TLS. */
export function connectTls(directory: string): string {
  const tls = `ssl verify required ca-file ${directory}/ca.crt crt ${directory}/client.pem no-ssl-reuse`;
  return `${tls} sni str(${SERVER_NAME}) verifyhost ${SERVER_NAME}`;
}

/** A pair: how the two talk to the client, between themselves, and to the application. */
interface PairShape {
  readonly name: string;
  readonly port: number;
  readonly mode: "http" | "tcp";
  readonly front: string;
  readonly between: string;
  readonly alpn: string;
  readonly application: string;
}

const http1 = `127.0.0.1:${APPLICATION_PORT}`, http2 = `127.0.0.1:${HTTP2_APPLICATION_PORT} proto h2`;
const PAIRS: Readonly<Record<"h1" | "h2" | "http2" | "tcp", PairShape>> = {
  h1: {
    name: "h1",
    port: 4240,
    mode: "http",
    front: "",
    between: "alpn http/1.1",
    alpn: "alpn http/1.1",
    application: http1,
  },
  h2: {
    name: "h2",
    port: 4250,
    mode: "http",
    front: "",
    between: "alpn h2 proto h2",
    alpn: "alpn h2",
    application: http1,
  },
  http2: {
    name: "http2",
    port: 4260,
    mode: "http",
    front: "proto h2",
    between: "alpn h2 proto h2",
    alpn: "alpn h2",
    application: http2,
  },
  tcp: { name: "tcp", port: 4270, mode: "tcp", front: "", between: "", alpn: "", application: http1 },
};

/** Starts both sides. @returns their process ids, the client's side first */
async function startPair(environment: Environment, shape: PairShape): Promise<number[]> {
  const { directory } = environment, { name, port, mode } = shape, peerPort = port + 3;
  const inbound = haproxy(`${peerPort} ${acceptTls(directory)} ${shape.alpn}`, shape.application, mode);
  const to = `${SERVER_IP}:${peerPort} ${connectTls(directory)} ${shape.between}`;
  const inboundPid = await launch(environment, "server", `haproxy-in-${name}`, peerPort, inbound);
  const outbound = haproxy(`${port} ${shape.front}`, to, mode);
  return [await launch(environment, "client", `haproxy-out-${name}`, port, outbound), inboundPid];
}

/** Starts one process with a configuration. */
export function launch(environment: Environment, side: Side, name: string, port: number, text: string) {
  const path = environment.write(`${name}.cfg`, text);
  return start(environment, side, name, port, ["haproxy", "-db", "-f", path]);
}

/** Starts HAProxy in every shape that we are compared with. */
export async function startHaproxies(environment: Environment): Promise<Candidate[]> {
  const pair = (version: keyof typeof PAIRS) => startPair(environment, PAIRS[version]);
  const [h1, h2, all, tcp] = [await pair("h1"), await pair("h2"), await pair("http2"), await pair("tcp")];
  const text = haproxy("4340", `${SERVER_IP}:${APPLICATION_PORT}`);
  const plain = await launch(environment, "client", "haproxy-plain", 4340, text);
  const of = (name: string, figure: Candidate["figure"], port: number, pids: readonly number[]) => ({
    name: `HAProxy, ${name}`,
    figure,
    isOurs: false,
    port,
    pids,
  });
  return [
    of("pair, h1 between", "pair", PAIRS.h1.port, h1),
    of("pair, h2 between", "pair", PAIRS.h2.port, h2),
    of("HTTP/2 pair", "http2", PAIRS.http2.port, all),
    of("gRPC pair", "grpc", PAIRS.http2.port, all),
    of("new TLS", "handshake", PAIRS.tcp.port, tcp),
    of("plain", "plain", 4340, [plain]),
  ];
}
