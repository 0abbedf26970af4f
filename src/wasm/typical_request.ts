/** A request of 12 fields as services send them to each other, for the benches. */
import type { Field } from "./field_bench.ts";

const GRPC: readonly (readonly [string, string])[] = [
  [":method", "POST"],
  [":scheme", "http"],
  [":path", "/shop.Catalog/List"],
  [":authority", "catalog.shop.svc.cluster.local:8080"],
  ["content-type", "application/grpc"],
  ["te", "trailers"],
  ["user-agent", "grpc-node-js/1.14.7"],
  ["grpc-accept-encoding", "identity,deflate,gzip"],
  ["accept-encoding", "identity"],
  ["grpc-timeout", "4998m"],
  ["x-request-id", "8f1f7c2e-95b8-4c0e-9a42-0f2f0d7a9f11"],
  ["traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"],
];

/** The same with bits of `FieldFlag` on every field. */
export function typicalRequest(flags = 0): Field[] {
  return GRPC.map(([name, value]) => ({ name, value, flags }));
}
