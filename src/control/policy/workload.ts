/** Who a policy stream is for: the JSON a proxy sends, or `namespace:pod` of old. */
import { invalidArgument } from "../grpc/status.ts";

export interface Workload {
  readonly namespace: string;
  /** Undefined for an external workload. */
  readonly pod: string | undefined;
  readonly externalWorkload: string | undefined;
}

/** @throws RpcError InvalidArgument */
export function parseWorkload(text: string): Workload {
  const legacy = /^([a-z0-9][-a-z0-9]*):([a-z0-9][-.a-z0-9]*)$/.exec(text);
  if (legacy !== null) return { namespace: legacy[1]!, pod: legacy[2], externalWorkload: undefined };
  let parsed: { ns?: unknown; pod?: unknown; external_workload?: unknown };
  try {
    parsed = JSON.parse(text) ?? {};
  } catch {
    throw invalidArgument(`not a workload: ${JSON.stringify(text)}`);
  }
  const { ns, pod, external_workload: external } = parsed;
  if (typeof ns !== "string" || ns === "") throw invalidArgument("the workload has no namespace");
  if (typeof pod === "string" && pod !== "") {
    return { namespace: ns, pod, externalWorkload: undefined };
  }
  if (typeof external === "string" && external !== "") {
    return { namespace: ns, pod: undefined, externalWorkload: external };
  }
  throw invalidArgument("the workload is neither a pod nor an external workload");
}
