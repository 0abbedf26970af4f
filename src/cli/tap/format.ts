/** Events as lines, by Linkerd's words. Source: cli.md §3.3. */
import { GRPC_CODES } from "../../mesh/grpc_codes.ts";
import type { TapDuration, TapEndpoint, TapEventRecord, TapStreamId } from "../../mesh/tap.ts";

/** What a request brought is somebody else's text: nothing of it may steer a terminal. */
export function printable(text: string): string {
  return text.replace(
    /[^\x20-\x7e]/g,
    (letter) => `\\x${letter.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
}

function micros({ seconds, nanos }: TapDuration): string {
  return `${seconds * 1_000_000 + Math.floor(nanos / 1000)}µs`;
}

function address({ ip, port }: TapEndpoint): string {
  return ip.includes(":") ? `[${ip}]:${port}` : `${ip}:${port}`;
}

function labels(prefix: string, entries: Readonly<Record<string, string>>): string[] {
  return Object.keys(entries).sort().map((name) => ` ${prefix}_${name}=${printable(entries[name]!)}`);
}

/** One line, without its end; undefined for an event of a kind that is not known. */
export function formatEvent(event: TapEventRecord, isWide: boolean): string | undefined {
  const { source, destination, routeMeta, proxyDirection } = event, isInbound = proxyDirection === "INBOUND";
  const begin = (word: string, { base, stream }: TapStreamId) => {
    const proxy = isInbound ? "in " : "out", tls = (isInbound ? source : destination).metadata["tls"] ?? "";
    return `${word} id=${base}:${stream} proxy=${proxy} src=${address(source)} dst=${
      address(destination)
    } tls=${tls}`;
  };
  const wide = isWide
    ? [...labels("src", source.metadata), ...labels("dst", destination.metadata), ...labels("rt", routeMeta)]
      .join("")
    : "";
  const { requestInitEvent: request, responseInitEvent: response, responseEndEvent: end } = event;
  if (request !== undefined) {
    const { method, authority, path } = request;
    const asked = `:method=${printable(method)} :authority=${printable(authority)} :path=${printable(path)}`;
    return `${begin("req", request.id)} ${asked}${wide}`;
  }
  if (response !== undefined) {
    const latency = micros(response.sinceRequestInit);
    return `${begin("rsp", response.id)} :status=${response.httpStatus} latency=${latency}${wide}`;
  }
  if (end === undefined) return undefined;
  const { grpcStatusCode: grpc, resetErrorCode: reset } = end;
  const status = grpc === undefined ? "" : ` grpc-status=${GRPC_CODES[grpc] ?? grpc}`;
  const broken = reset === undefined ? "" : ` reset-error=${reset}`;
  const duration = micros(end.sinceResponseInit);
  return `${
    begin("end", end.id)
  }${status}${broken} duration=${duration} response-length=${end.responseBytes}B${wide}`;
}
