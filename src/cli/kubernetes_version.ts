/** Versions of Kubernetes: asked for and compared. */
import type { KubeClient } from "../kube/client.ts";
import { KubeError } from "../kube/client.ts";

/** The oldest release that the mesh runs on. */
export const MINIMUM_KUBERNETES = "1.31.0";

/** `v1.35.4+vendor` → `1.35.4`. @throws KubeError when the API does not answer */
export async function readVersion(client: KubeClient): Promise<string> {
  const response = await client.raw("GET", "/version");
  const text = await response.text();
  if (!response.ok) throw KubeError.from(response.status, text);
  const { gitVersion = "" } = JSON.parse(text) as { gitVersion?: string };
  return gitVersion.replace(/^v/, "").replace(/[-+].*$/, "");
}

export function isAtLeast(version: string, minimum: string): boolean {
  const numbers = (text: string) => text.split(".").map(Number);
  const [have, want] = [numbers(version), numbers(minimum)];
  for (const [index, wanted] of want.entries()) {
    const difference = (have[index] ?? 0) - wanted;
    if (difference !== 0) return difference > 0;
  }
  return true;
}
