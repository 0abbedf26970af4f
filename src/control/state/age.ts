/** How every conflict between resources is settled. */
import type { KubernetesObject } from "../../kube/resource.ts";

/** Oldest first, then by name, then by namespace. */
export function byAge(left: KubernetesObject, right: KubernetesObject): number {
  const of = ({ metadata }: KubernetesObject) => [
    metadata?.creationTimestamp ?? "",
    metadata?.name ?? "",
    metadata?.namespace ?? "",
  ];
  const [one, other] = [of(left), of(right)];
  const at = one.findIndex((part, index) => part !== other[index]);
  return at < 0 ? 0 : one[at]! < other[at]! ? -1 : 1;
}
