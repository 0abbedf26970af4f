/** Conditions of statuses: what is to be said, and how it is written beside what is there. */
import type { Condition } from "../../../kube/kinds.ts";

export const CONTROLLER_NAME = "linkerd.io/policy-controller";

/** A condition before it has a time. */
export type Finding = Pick<Condition, "type" | "status" | "reason" | "message">;

export function accepted(): Finding {
  return { type: "Accepted", status: "True", reason: "Accepted", message: "" };
}

export function notAccepted(reason: string, message = ""): Finding {
  return { type: "Accepted", status: "False", reason, message };
}

/** The condition as written: it keeps its time while its status stays. */
export function written(
  finding: Finding,
  before: readonly Condition[] | undefined,
  generation: number | undefined,
  now: string,
): Condition {
  const same = before?.find((one) => one.type === finding.type && one.status === finding.status);
  return {
    ...finding,
    lastTransitionTime: same?.lastTransitionTime ?? now,
    ...(generation === undefined ? {} : { observedGeneration: generation }),
  };
}

/** Whether two statuses are the same but for the order of their fields, which the API may change. */
export function isSameStatus(one: unknown, other: unknown): boolean {
  return canonical(one) === canonical(other);
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => {
    if (typeof part !== "object" || part === null || Array.isArray(part)) return part;
    return Object.fromEntries(Object.entries(part).sort(([one], [other]) => one < other ? -1 : 1));
  });
}
