/**
 * As whom a container runs.
 *
 * Where the runner may switch users (real root), `runAsUser` and `runAsGroup` are followed by way of setpriv, in the
 * same process. Such a user may read what it needs of this machine's file system, as it could in an image; added
 * capabilities are given as ambient ones. In a user namespace one user id exists, and the container keeps it.
 *
 * Source: setpriv(1), capabilities(7), user_namespaces(7).
 */
import type { Container, Pod } from "../../kube/kinds.ts";

/** Ranges of user ids a process may switch to. */
export type IdRange = readonly [first: number, count: number];

/** Reads a uid_map or gid_map. */
export function parseIdMap(text: string): IdRange[] {
  return text.trim().split("\n").map((line) => line.trim().split(/\s+/).map(Number)).map((
    [first = 0, , count = 0],
  ) => [first, count] as const);
}

/** The ids this process may switch to: none unless it is root where it is. */
export function ownIdRanges(): IdRange[] {
  if (Deno.uid() !== 0) return [];
  return parseIdMap(Deno.readTextFileSync("/proc/self/uid_map"));
}

function isMapped(id: number, ranges: readonly IdRange[]): boolean {
  return ranges.some(([first, count]) => id >= first && id < first + count);
}

/** The user a container asks for; undefined when it leaves that open. */
export function requestedUser(container: Container, pod: Pod): number | undefined {
  return container.securityContext?.runAsUser ?? pod.spec?.securityContext?.runAsUser;
}

/**
 * What goes in front of a container's command so that it runs as the user it asks for.
 * @returns undefined when it must run as the runner's user instead, because the one it asks for does not exist here
 */
export function identityPrefix(
  container: Container,
  pod: Pod,
  ranges: readonly IdRange[],
): string[] | undefined {
  const user = requestedUser(container, pod);
  const podContext = pod.spec?.securityContext, context = container.securityContext;
  const group = context?.runAsGroup ?? podContext?.runAsGroup ?? 0;
  if ((user ?? 0) === 0 && group === 0) return [];
  if (!isMapped(user ?? 0, ranges) || !isMapped(group, ranges)) return undefined;
  const groups = [
    ...podContext?.supplementalGroups ?? [],
    ...podContext?.fsGroup === undefined ? [] : [podContext.fsGroup],
  ]
    .filter((each) => isMapped(each, ranges));
  const added = (context?.capabilities?.add ?? []).map((name) => name.replace(/^CAP_/i, "").toLowerCase())
    .filter((name) => /^[a-z_]+$/.test(name) && name !== "all");
  const capabilities = [...new Set(["dac_read_search", ...added])].map((name) => `+${name}`).join(",");
  return [
    "setpriv",
    "--reuid",
    String(user ?? 0),
    "--regid",
    String(group),
    ...(groups.length > 0 ? ["--groups", groups.join(",")] : ["--clear-groups"]),
    ...((user ?? 0) === 0 ? [] : [`--inh-caps=${capabilities}`, `--ambient-caps=${capabilities}`]),
    ...(context?.allowPrivilegeEscalation === false ? ["--no-new-privs"] : []),
    "--",
  ];
}
