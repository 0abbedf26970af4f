/** What a port speaks, as the message of inbound.proto. */
import type {
  GrpcRoute,
  HttpLocalRateLimit,
  HttpRoute,
  ProxyProtocol,
} from "../../../../proto/gen/inbound.ts";
import type { Server } from "../../../kube/kinds.ts";
import { toDuration } from "../../wire/time.ts";
import { DETECT_TIMEOUT_MS } from "../config.ts";

/** What protocols that have routes are given; asked for only by those. */
export interface ProtocolParts {
  http(): HttpRoute[];
  grpc(): GrpcRoute[];
  rateLimit(): HttpLocalRateLimit | undefined;
}

export function protocolOf(protocol: Server["spec"]["proxyProtocol"], parts: ProtocolParts): ProxyProtocol {
  const http = () => ({ routes: parts.http(), localRateLimit: parts.rateLimit() });
  switch (protocol) {
    case "HTTP/1":
      return { kind: { $case: "http1", value: http() } };
    case "HTTP/2":
      return { kind: { $case: "http2", value: http() } };
    case "gRPC":
      return { kind: { $case: "grpc", value: { routes: parts.grpc() } } };
    case "opaque":
      return { kind: { $case: "opaque", value: {} } };
    case "TLS":
      return { kind: { $case: "tls", value: {} } };
    case "unknown":
    case undefined: {
      const { routes, localRateLimit } = http();
      const timeout = toDuration(DETECT_TIMEOUT_MS);
      return {
        kind: { $case: "detect", value: { timeout, httpRoutes: routes, httpLocalRateLimit: localRateLimit } },
      };
    }
  }
}
