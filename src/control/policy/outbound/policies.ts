/** Policies towards Services and addresses: what a target speaks, and where its traffic goes when no route says. */
import type { HttpRouteMatch } from "../../../../proto/gen/http_route.ts";
import type { Metadata } from "../../../../proto/gen/meta.ts";
import type {
  Backend,
  HttpRoute,
  OpaqueRoute,
  OpaqueRoute_Filter,
  OutboundPolicy,
  ProxyProtocol,
} from "../../../../proto/gen/outbound.ts";
import type { Service } from "../../../kube/kinds.ts";
import { configAnnotation } from "../../../mesh/annotations.ts";
import { parsePortSet } from "../../../mesh/ports.ts";
import { bareAddress } from "../../destination/workload.ts";
import { defaultMetadata, resourceMetadata } from "../../wire/metadata.ts";
import { toDuration } from "../../wire/time.ts";
import { DETECT_TIMEOUT_MS, type PolicyConfig } from "../config.ts";
import { failureAccrualOf, httpRetryOf, loadOf, timeoutsOf } from "./annotations.ts";

const QUEUE = { capacity: 100, failfastTimeout: toDuration(3_000) };
const ANYTHING: HttpRouteMatch = {
  path: { kind: { $case: "prefix", value: "/" } },
  headers: [],
  queryParams: [],
  method: undefined,
};

type ServicePort = NonNullable<NonNullable<Service["spec"]>["ports"]>[number];

/** What a port speaks by its declaration: its appProtocol first, then the lists of opaque ports. */
export function protocolOfPort(
  service: Service,
  port: ServicePort,
  config: Pick<PolicyConfig, "defaultOpaquePorts">,
): "http1" | "http2" | "opaque" | "detect" {
  if (port.appProtocol === "http") return "http1";
  if (port.appProtocol === "kubernetes.io/h2c") return "http2";
  if (port.appProtocol !== undefined && port.appProtocol !== "") return "opaque";
  const annotation = service.metadata?.annotations?.[configAnnotation("opaque-ports")];
  const opaque = annotation === undefined
    ? config.defaultOpaquePorts
    : parsePortSet(annotation, (name) => service.spec?.ports?.find((one) => one.name === name)?.port);
  return opaque.has(port.port) ? "opaque" : "detect";
}

/** The policy of a Service's port without routes: all traffic to its own endpoints. */
export function servicePolicy(service: Service, port: ServicePort, config: PolicyConfig): OutboundPolicy {
  const { name = "", namespace = "", annotations = {} } = service.metadata ?? {};
  const metadata = resourceMetadata({ group: "core", kind: "Service", name, namespace, port: port.port });
  const backend: Backend = {
    metadata,
    kind: {
      $case: "balancer",
      value: {
        discovery: {
          kind: {
            $case: "dst",
            value: { path: `${name}.${namespace}.svc.${config.clusterDomain}:${port.port}` },
          },
        },
        load: loadOf(annotations),
      },
    },
    queue: QUEUE,
  };
  const http = {
    routes: [httpRoute(defaultMetadata("http"), backend, {
      timeouts: timeoutsOf(annotations),
      retry: httpRetryOf(annotations),
    })],
    failureAccrual: failureAccrualOf(annotations),
  };
  const opaque = { routes: [opaqueRoute(defaultMetadata("opaq"), backend)] };
  const kind = protocolOfPort(service, port, config);
  if (kind === "http1") return { metadata, protocol: { kind: { $case: "http1", value: http } } };
  if (kind === "http2") return { metadata, protocol: { kind: { $case: "http2", value: http } } };
  if (kind === "opaque") return { metadata, protocol: { kind: { $case: "opaque", value: opaque } } };
  return { metadata, protocol: detect({ opaque, http1: http, http2: http }) };
}

/** A port the Service does not have: every connection is refused. */
export function undefinedPortPolicy(service: Service, port: number): OutboundPolicy {
  const { name = "", namespace = "" } = service.metadata ?? {};
  const route = opaqueRoute(defaultMetadata("undefined-port"), undefined, [
    { kind: { $case: "forbidden", value: {} } },
  ]);
  return {
    metadata: resourceMetadata({ group: "core", kind: "Service", name, namespace, port }),
    protocol: { kind: { $case: "opaque", value: { routes: [route] } } },
  };
}

/** An address outside of the cluster: passed on to where it was going. */
export function egressPolicy(ip: string, port: number): OutboundPolicy {
  const metadata = defaultMetadata("egress-fallback");
  const backend: Backend = {
    metadata,
    kind: { $case: "forward", value: { ...bareAddress(ip, port), weight: 1 } },
    queue: QUEUE,
  };
  const http = { routes: [httpRoute(metadata, backend)], failureAccrual: undefined };
  const opaque = { routes: [opaqueRoute(metadata, backend)] };
  return { metadata, protocol: detect({ opaque, http1: http, http2: http }) };
}

function detect(
  parts: Pick<Extract<ProxyProtocol["kind"], { $case: "detect" }>["value"], "opaque" | "http1" | "http2">,
): ProxyProtocol {
  return { kind: { $case: "detect", value: { timeout: toDuration(DETECT_TIMEOUT_MS), ...parts } } };
}

function httpRoute(
  metadata: Metadata,
  backend: Backend,
  rule: Partial<Pick<HttpRoute["rules"][number], "timeouts" | "retry">> = {},
): HttpRoute {
  return {
    metadata,
    hosts: [],
    rules: [{
      matches: [ANYTHING],
      filters: [],
      backends: {
        kind: {
          $case: "firstAvailable",
          value: { backends: [{ backend, filters: [], requestTimeout: undefined }] },
        },
      },
      requestTimeout: rule.timeouts?.request,
      timeouts: rule.timeouts,
      retry: rule.retry,
      allowL5dRequestHeaders: false,
    }],
  };
}

function opaqueRoute(
  metadata: Metadata,
  backend: Backend | undefined,
  filters: OpaqueRoute_Filter[] = [],
): OpaqueRoute {
  return {
    metadata,
    rules: [{
      backends: {
        kind: backend === undefined ? { $case: "empty", value: {} } : {
          $case: "firstAvailable",
          value: { backends: [{ backend, filters: [] }] },
        },
      },
      filters,
    }],
  };
}
