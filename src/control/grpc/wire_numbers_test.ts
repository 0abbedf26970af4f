/**
 * Field numbers on the wire, written down a second time: a message with every field set must have exactly these.
 * A number that changes in proto/ by mistake would still let both of our own ends understand each other.
 */
import assert from "node:assert/strict";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import * as destination from "../../../proto/gen/destination.ts";
import * as identity from "../../../proto/gen/identity.ts";
import * as inbound from "../../../proto/gen/inbound.ts";
import * as meta from "../../../proto/gen/meta.ts";
import * as net from "../../../proto/gen/net.ts";
import * as outbound from "../../../proto/gen/outbound.ts";
import * as transport from "../../../proto/gen/transport.ts";
import type { Codec } from "./service.ts";

/** The numbers of a message's fields, in the order they were written, each once. */
function numbers<T>(codec: Codec<T>, message: T): number[] {
  const reader = new BinaryReader(codec.encode(message).finish());
  const found = new Set<number>();
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag();
    found.add(number);
    reader.skip(type);
  }
  return [...found].sort((left, right) => left - right);
}

const second = { seconds: 1n, nanos: 0 };
const backoff = { minBackoff: second, maxBackoff: second, jitterRatio: 1, respectRetryAfterHint: true };
const resource = { kind: { $case: "default" as const, value: "x" } };
const address = { ip: { ip: { $case: "ipv4" as const, value: 1 } }, port: 1 };
const weighted: destination.WeightedAddr = {
  addr: address,
  weight: 1,
  metricLabels: { a: "b" },
  tlsIdentity: { strategy: { $case: "uriLikeIdentity", value: { uri: "u" } }, serverName: { name: "n" } },
  protocolHint: { protocol: { $case: "opaque", value: {} }, opaqueTransport: { inboundPort: 1 } },
  authorityOverride: { authorityOverride: "a" },
  http2: { flowControl: undefined, keepAlive: undefined, internals: undefined },
  resourceRef: resource,
};

Deno.test("addresses and references", () => {
  assert.deepEqual(numbers(net.TcpAddress, address), [1, 2]);
  assert.deepEqual(numbers(net.IPAddress, { ip: { $case: "ipv6", value: { first: 1n, last: 1n } } }), [2]);
  assert.deepEqual(
    [...net.IPAddress.encode({ ip: { $case: "ipv4", value: 0x01020304 } }).finish()],
    [0x0d, 4, 3, 2, 1],
    "fixed32",
  );
  const value = { group: "g", kind: "k", name: "n", namespace: "ns", section: "s", port: 1 };
  assert.deepEqual(numbers(meta.Resource, value), [1, 2, 3, 4, 5, 6]);
  assert.deepEqual(numbers(meta.Metadata, { kind: { $case: "resource", value } }), [2]);
});

Deno.test("destination", () => {
  assert.deepEqual(numbers(destination.GetDestination, { scheme: "s", path: "p", contextToken: "c" }), [
    1,
    2,
    3,
  ]);
  assert.deepEqual(numbers(destination.WeightedAddr, weighted), [1, 3, 4, 5, 6, 7, 8, 9]);
  assert.deepEqual(numbers(destination.TlsIdentity, weighted.tlsIdentity!), [3, 4]);
  assert.deepEqual(numbers(destination.ProtocolHint, weighted.protocolHint!), [2, 3]);
  const updates: [destination.Update, number][] = [
    [{ update: { $case: "add", value: { addrs: [weighted], metricLabels: {} } } }, 1],
    [{ update: { $case: "remove", value: { addrs: [] } } }, 2],
    [{ update: { $case: "noEndpoints", value: { exists: true } } }, 3],
  ];
  for (const [update, number] of updates) assert.deepEqual(numbers(destination.Update, update), [number]);
  assert.deepEqual(
    numbers(destination.DestinationProfile, {
      routes: [{
        condition: undefined,
        responseClasses: [],
        metricsLabels: {},
        isRetryable: true,
        timeout: second,
      }],
      retryBudget: { retryRatio: 1, minRetriesPerSecond: 1, ttl: second },
      dstOverrides: [{ authority: "a", weight: 1, backendRef: resource }],
      opaqueProtocol: true,
      fullyQualifiedName: "f",
      endpoint: weighted,
      parentRef: resource,
      profileRef: resource,
    }),
    [1, 2, 3, 4, 5, 6, 7, 8],
  );
  const path = { match: { $case: "path" as const, value: { regex: "r" } } };
  assert.deepEqual(numbers(destination.RequestMatch, path), [4]);
});

Deno.test("identity and transport header", () => {
  const bytes = new Uint8Array([1]);
  assert.deepEqual(
    numbers(identity.CertifyRequest, { identity: "i", token: bytes, certificateSigningRequest: bytes }),
    [1, 2, 3],
  );
  assert.deepEqual(
    numbers(identity.CertifyResponse, {
      leafCertificate: bytes,
      intermediateCertificates: [bytes],
      validUntil: new Date(1000),
      trustAnchors: [bytes],
    }),
    [1, 2, 3, 1001],
  );
  const header = { port: 1, name: "n", sessionProtocol: { kind: { $case: "http2" as const, value: {} } } };
  assert.deepEqual(numbers(transport.Header, header), [1, 2, 3]);
});

Deno.test("inbound", () => {
  const kinds: [NonNullable<inbound.ProxyProtocol["kind"]>, number][] = [
    [{ $case: "detect", value: { timeout: second, httpRoutes: [], httpLocalRateLimit: undefined } }, 1],
    [{ $case: "opaque", value: {} }, 2],
    [{ $case: "tls", value: {} }, 3],
    [{ $case: "http1", value: { routes: [], localRateLimit: undefined } }, 4],
    [{ $case: "http2", value: { routes: [], localRateLimit: undefined } }, 5],
    [{ $case: "grpc", value: { routes: [] } }, 6],
  ];
  for (const [kind, number] of kinds) assert.deepEqual(numbers(inbound.ProxyProtocol, { kind }), [number]);
  const route: inbound.HttpRoute = { metadata: resource, hosts: [], authorizations: [], rules: [] };
  const limit = { metadata: resource, total: undefined, identity: undefined, overrides: [] };
  assert.deepEqual(
    numbers(inbound.ProxyProtocol_Detect, {
      timeout: second,
      httpRoutes: [route],
      httpLocalRateLimit: limit,
    }),
    [1, 3, 4],
  );
  assert.deepEqual(numbers(inbound.ProxyProtocol_Http1, { routes: [route], localRateLimit: limit }), [2, 3]);
  const permit = { $case: "meshTLS" as const, value: { clients: undefined } };
  assert.deepEqual(numbers(inbound.Authn, { permit }), [2]);
  assert.deepEqual(
    numbers(inbound.Authz, {
      networks: [{ net: undefined, except: [] }],
      authentication: { permit },
      labels: { a: "b" },
      metadata: resource,
    }),
    [1, 2, 3, 4],
  );
  assert.deepEqual(
    numbers(inbound.Server, {
      protocol: { kind: undefined },
      serverIps: [address.ip],
      authorizations: [{ networks: [], authentication: undefined, labels: {}, metadata: undefined }],
      labels: { a: "b" },
    }),
    [1, 2, 3, 4],
  );
});

Deno.test("outbound", () => {
  const kinds: [NonNullable<outbound.ProxyProtocol["kind"]>, number][] = [
    [
      { $case: "detect", value: { timeout: second, opaque: undefined, http1: undefined, http2: undefined } },
      1,
    ],
    [{ $case: "opaque", value: { routes: [] } }, 2],
    [{ $case: "http1", value: { routes: [], failureAccrual: undefined } }, 3],
    [{ $case: "http2", value: { routes: [], failureAccrual: undefined } }, 4],
    [{ $case: "grpc", value: { routes: [], failureAccrual: undefined } }, 5],
    [{ $case: "tls", value: { routes: [] } }, 6],
  ];
  for (const [kind, number] of kinds) assert.deepEqual(numbers(outbound.ProxyProtocol, { kind }), [number]);
  assert.deepEqual(
    numbers(outbound.TrafficSpec, { sourceWorkload: "w", target: { $case: "authority", value: "a" } }),
    [1, 3],
  );
  const retry = {
    maxRetries: 1,
    maxRequestBytes: 1,
    conditions: { statusRanges: [] },
    timeout: second,
    backoff,
  };
  assert.deepEqual(numbers(outbound.HttpRoute_Retry, retry), [1, 2, 3, 4, 5]);
  assert.deepEqual(
    numbers(outbound.HttpRoute_Rule, {
      matches: [{ path: undefined, headers: [], queryParams: [], method: undefined }],
      filters: [{ kind: undefined }],
      backends: { kind: undefined },
      requestTimeout: second,
      timeouts: { response: second, request: second, idle: second },
      retry,
      allowL5dRequestHeaders: true,
    }),
    [1, 2, 3, 4, 5, 6, 7],
  );
  assert.deepEqual(
    numbers(outbound.OpaqueRoute, { metadata: resource, rules: [{ backends: undefined, filters: [] }] }),
    [
      1,
      3,
    ],
  );
  assert.deepEqual(
    numbers(outbound.GrpcRoute_Retry_Conditions, {
      cancelled: true,
      deadineExceeded: true,
      resourceExhausted: true,
      internal: true,
      unavailable: true,
    }),
    [1, 4, 8, 13, 14],
  );
  const queue = { capacity: 1, failfastTimeout: second };
  assert.deepEqual(
    numbers(outbound.Backend, { metadata: resource, kind: { $case: "forward", value: weighted }, queue }),
    [1, 2, 4],
  );
  const balancer = { discovery: { kind: undefined }, load: undefined };
  assert.deepEqual(
    numbers(outbound.Backend, {
      metadata: undefined,
      kind: { $case: "balancer", value: balancer },
      queue: undefined,
    }),
    [3],
  );
  assert.deepEqual(
    numbers(outbound.FailureAccrual_Unified, {
      successRateThreshold: 1,
      decay: second,
      minRequests: 1,
      maxConsecutiveFailures: 1,
      backoff,
    }),
    [1, 2, 3, 4, 5],
  );
});
