/** Conditions in an object's status. */

export interface StatusCondition {
  type: string;
  status: string;
  reason?: string;
  message?: string;
  lastTransitionTime?: string;
  lastUpdateTime?: string;
}

export function timeText(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`;
}

export function findCondition<T extends { type: string }>(
  conditions: readonly T[] | undefined,
  type: string,
): T | undefined {
  return conditions?.find((each) => each.type === type);
}

/**
 * The conditions with one set. The time of its last transition stays while its status does.
 *
 * @param hasUpdateTime for kinds that also keep when anything about the condition changed (Deployments)
 */
export function withCondition<T extends StatusCondition>(
  conditions: readonly T[] | undefined,
  condition: T,
  now: Date,
  hasUpdateTime = false,
): T[] {
  const list = [...(conditions ?? [])];
  const at = list.findIndex(({ type }) => type === condition.type);
  const before = at === -1 ? undefined : list[at]!;
  const isSame = before?.status === condition.status && before.reason === condition.reason &&
    before.message === condition.message;
  if (isSame) return list;
  const time = timeText(now);
  const next: T = {
    ...condition,
    ...(hasUpdateTime ? { lastUpdateTime: time } : {}),
    lastTransitionTime: before?.status === condition.status ? before.lastTransitionTime ?? time : time,
  };
  if (at === -1) list.push(next);
  else list[at] = next;
  return list;
}
