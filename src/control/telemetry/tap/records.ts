/** Events of proxies as readers get them: addresses named by the pods behind them. Source: cli.md §3.3. */
import { Buffer } from "node:buffer";
import type { Duration } from "../../../../proto/gen/google/protobuf/duration.ts";
import {
  type Headers,
  type HttpMethod,
  HttpMethod_Registered,
  type Scheme,
  Scheme_Registered,
} from "../../../../proto/gen/http_types.ts";
import type { TcpAddress } from "../../../../proto/gen/net.ts";
import type { TapEvent, TapEvent_EndpointMeta, TapEvent_Http_StreamId } from "../../../../proto/gen/tap.ts";
import type {
  TapDuration,
  TapEndpoint,
  TapEventRecord,
  TapHeader,
  TapResponseEnd,
  TapStreamId,
} from "../../../mesh/tap.ts";
import { formatIp } from "../../wire/address.ts";
import type { PodRecord } from "../inventory.ts";

/** Names of the addresses of pods, as far as they are known. */
export type PodOfIp = (ip: string) => PodRecord | undefined;

const DIRECTIONS = { 1: "INBOUND", 2: "OUTBOUND" } as const;

function idOf(id: TapEvent_Http_StreamId | undefined): TapStreamId {
  return { base: id?.base ?? 0, stream: Number(id?.stream ?? 0n) };
}

function durationOf(duration: Duration | undefined): TapDuration {
  return { seconds: Number(duration?.seconds ?? 0n), nanos: duration?.nanos ?? 0 };
}

function methodOf(method: HttpMethod | undefined): string {
  if (method?.type?.$case === "unregistered") return method.type.value;
  return HttpMethod_Registered[method?.type?.value ?? 0] ?? "";
}

function schemeOf(scheme: Scheme | undefined): string {
  if (scheme?.type?.$case === "unregistered") return scheme.type.value;
  return Scheme_Registered[scheme?.type?.value ?? 0] ?? "";
}

function headersOf(headers: Headers | undefined): TapHeader[] {
  return (headers?.headers ?? []).map(({ name, value }) => {
    const text = new TextDecoder().decode(value);
    return text.includes("\ufffd")
      ? { name, valueBin: Buffer.from(value).toString("base64") }
      : { name, valueStr: text };
  });
}

/** What Kubernetes knows of the pod behind an address; what the proxy said of it counts more. */
function hydrated(pod: PodRecord | undefined): Record<string, string> {
  if (pod === undefined) return {};
  const owner = pod.workloadKind === "pod"
    ? {}
    : { [pod.workloadKind === "job" ? "k8s_job" : pod.workloadKind]: pod.workload };
  return { namespace: pod.namespace, pod: pod.name, node: pod.node, ...owner };
}

function endpointOf(
  address: TcpAddress | undefined,
  meta: TapEvent_EndpointMeta | undefined,
  podOf: PodOfIp,
): TapEndpoint {
  const ip = formatIp(address?.ip);
  return { ip, port: address?.port ?? 0, metadata: { ...hydrated(podOf(ip)), ...meta?.labels } };
}

/** @returns undefined for an event of a kind that is not known */
export function recordOf(event: TapEvent, podOf: PodOfIp): TapEventRecord | undefined {
  const http = event.event?.value.event;
  const common = {
    source: endpointOf(event.source, event.sourceMeta, podOf),
    destination: endpointOf(event.destination, event.destinationMeta, podOf),
    routeMeta: { ...event.routeMeta?.labels },
    proxyDirection: DIRECTIONS[event.proxyDirection as 1 | 2] ?? "UNKNOWN",
  };
  switch (http?.$case) {
    case "requestInit": {
      const { id, method, scheme, authority, path, headers } = http.value;
      const request = { id: idOf(id), method: methodOf(method), scheme: schemeOf(scheme), authority, path };
      return { ...common, requestInitEvent: { ...request, headers: headersOf(headers) } };
    }
    case "responseInit": {
      const { id, sinceRequestInit, httpStatus, headers } = http.value;
      const since = durationOf(sinceRequestInit);
      return {
        ...common,
        responseInitEvent: { id: idOf(id), sinceRequestInit: since, httpStatus, headers: headersOf(headers) },
      };
    }
    case "responseEnd": {
      const { id, sinceRequestInit, sinceResponseInit, responseBytes, eos, trailers } = http.value;
      const ended: TapResponseEnd = {
        id: idOf(id),
        sinceRequestInit: durationOf(sinceRequestInit),
        sinceResponseInit: durationOf(sinceResponseInit),
        responseBytes: Number(responseBytes),
        trailers: headersOf(trailers),
        ...(eos?.end?.$case === "grpcStatusCode" ? { grpcStatusCode: eos.end.value } : {}),
        ...(eos?.end?.$case === "resetErrorCode" ? { resetErrorCode: eos.end.value } : {}),
      };
      return { ...common, responseEndEvent: ended };
    }
  }
  return undefined;
}
