/**
 * HTTP/2 load: h2load over 10 connections with 10 requests each under way, either GET or a gRPC method that takes one
 * message. Latency is read from its log of requests.
 */
import { GRPC_MESSAGE, GRPC_METHOD, GRPC_TEXT } from "./application.ts";
import { CLIENT_IP, type Environment } from "./environment.ts";

export const CONNECTIONS = 10, STREAMS = 10;

export interface H2Report {
  readonly requests: number;
  readonly perSecond: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly failures: number;
}

/**
 * @param log a line for each request: when it was sent (µs), its status, its duration (µs)
 * @throws when h2load's report has no count of requests
 */
export function parseH2load(report: string, log: string): H2Report {
  const [, done, failed, errored] =
    /requests: .*?(\d+) done, \d+ succeeded, (\d+) failed, (\d+) errored/.exec(report) ?? [];
  const rate = /finished in .*?, ([\d.]+) req\/s/.exec(report)?.[1];
  if (done === undefined || rate === undefined || Number(done) === 0) {
    throw new Error(`h2load reports: ${report}`);
  }
  const durations: number[] = [];
  let refused = 0;
  for (const line of log.split("\n")) {
    const [, status, micros] = line.split("\t");
    if (micros === undefined) continue;
    durations.push(Number(micros));
    if (status !== "200") refused++;
  }
  durations.sort((left, right) => left - right);
  const at = (quantile: number) => (durations[Math.floor(durations.length * quantile)] ?? 0) / 1000;
  return {
    requests: Number(done),
    perSecond: Number(rate),
    p50: at(0.5),
    p99: at(0.99),
    failures: Number(failed) + Number(errored) + refused,
  };
}

/** What a client of gRPC sends. @returns the arguments of h2load and nghttp */
function grpcCall(environment: Environment): string[] {
  const message = environment.write("message", GRPC_MESSAGE);
  return ["-d", message, "-H", "content-type: application/grpc", "-H", "te: trailers"];
}

/** One call, looked at as a whole, for h2load does not look at trailers. @throws when the status or the message is lost */
export async function checkGrpc(environment: Environment, port: number): Promise<void> {
  const url = `http://${CLIENT_IP}:${port}${GRPC_METHOD}`;
  const text = await environment.output("client", "nghttp", "-v", ...grpcCall(environment), url);
  for (const wanted of ["grpc-status: 0", GRPC_TEXT]) {
    if (!text.includes(wanted)) throw new Error(`no "${wanted}" in the answer of port ${port}: ${text}`);
  }
}

/** One run against a port of the client's namespace. */
export async function h2load(
  environment: Environment,
  port: number,
  seconds: number,
  isGrpc: boolean,
): Promise<H2Report> {
  const log = `${environment.directory}/h2load.log`, shape = `-t1 -c${CONNECTIONS} -m${STREAMS} -D${seconds}`;
  const limit = ["timeout", String(seconds + 20)];
  const call = isGrpc ? grpcCall(environment) : [], path = isGrpc ? GRPC_METHOD : "/";
  const url = `http://${CLIENT_IP}:${port}${path}`;
  const argv = ["h2load", ...shape.split(" "), `--log-file=${log}`, ...call, url];
  const report = await environment.output("client", ...limit, ...argv);
  const text = Deno.readTextFileSync(log);
  Deno.removeSync(log);
  return parseH2load(report, text);
}
