/** The parts that answers of linkerd2.viz.Api are made of. */
import type { BasicStats, Resource } from "../../../proto/gen/viz.ts";
import { type RequestStats, type ResourceName, type StatKind, statKind } from "../../mesh/api.ts";
import { MeshFailure } from "../../mesh/error.ts";
import { invalidArgument } from "../grpc/status.ts";

/** A text that may be left out; empty is not there. */
export function optional(text: string | undefined): string | undefined {
  return text === undefined || text === "" ? undefined : text;
}

/** @throws RpcError for what is no kind */
export function kindOf(type: string): StatKind {
  const kind = statKind(type);
  if (kind === undefined) throw invalidArgument(`unknown resource type: ${type}`);
  return kind;
}

/** What the query parts throw is the caller's mistake. */
export function asRpc<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof MeshFailure ? invalidArgument(error.message) : error;
  }
}

export function resource(name: ResourceName): Resource {
  return { namespace: name.namespace, type: name.kind, name: name.name };
}

/** @param actual as endpoints were asked, where that is not the same */
export function basicStats(requests: RequestStats, actual = requests): BasicStats {
  const milliseconds = (value: number | undefined) => BigInt(Math.round(value ?? 0));
  return {
    successCount: BigInt(requests.success),
    failureCount: BigInt(requests.failure),
    latencyMsP50: milliseconds(requests.latencyP50),
    latencyMsP95: milliseconds(requests.latencyP95),
    latencyMsP99: milliseconds(requests.latencyP99),
    actualSuccessCount: BigInt(actual.success),
    actualFailureCount: BigInt(actual.failure),
  };
}
