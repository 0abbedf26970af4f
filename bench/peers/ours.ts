/** Our proxy, as pairs and as one hop; its answers of the control plane are fixed (static_proxy.ts). */
import { APPLICATION_PORT, HTTP2_APPLICATION_PORT } from "./application.ts";
import { bundleOurs, type Candidate, start } from "./candidate.ts";
import { type Environment, SERVER_IP, type Side } from "./environment.ts";

/** Starts ours beside the application. */
export async function startOurs(environment: Environment): Promise<Candidate[]> {
  const command = bundleOurs(environment.directory);
  const launch = (side: Side, name: string, port: number, mode: string, ...to: (string | number)[]) =>
    start(environment, side, name, port, [
      ...(name.includes("opaque") ? ["env", `BENCH_OPAQUE=${APPLICATION_PORT}`] : []),
      ...command,
      ...[mode, `0.0.0.0:${port}`, ...to.map(String), environment.directory],
    ]);
  const peer = `${SERVER_IP}:4143`, opaquePeer = `${SERVER_IP}:4163`;
  const inbound = await launch("server", "ours-in", 4143, "inbound");
  const outbound = await launch("client", "ours-out", 4140, "outbound", peer, APPLICATION_PORT);
  const http2Peer = `${SERVER_IP}:4153`; // its own, as every peer's: what it holds is its figure's alone
  const http2In = await launch("server", "ours-http2-in", 4153, "inbound");
  const http2 = await launch("client", "ours-http2", 4150, "outbound", http2Peer, HTTP2_APPLICATION_PORT);
  const opaqueIn = await launch("server", "ours-opaque-in", 4163, "inbound");
  const opaqueOut = await launch("client", "ours-opaque-out", 4160, "outbound", opaquePeer, APPLICATION_PORT);
  const plain = await launch("client", "ours-plain", 4145, "plain", `${SERVER_IP}:${APPLICATION_PORT}`);
  return [
    { name: "ours, pair", figure: "pair", isOurs: true, port: 4140, pids: [outbound, inbound] },
    { name: "ours, HTTP/2 pair", figure: "http2", isOurs: true, port: 4150, pids: [http2, http2In] },
    { name: "ours, gRPC pair", figure: "grpc", isOurs: true, port: 4150, pids: [http2, http2In] },
    { name: "ours, new TLS", figure: "handshake", isOurs: true, port: 4160, pids: [opaqueOut, opaqueIn] },
    { name: "ours, plain", figure: "plain", isOurs: true, port: 4145, pids: [plain] },
  ];
}
