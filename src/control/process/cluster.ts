/** The Kubernetes API a role talks to: its pod's service account, or a kubeconfig outside of a cluster. */
import type { KubeClient } from "../../kube/client.ts";
import { inClusterConfig, isInCluster, loadKubeConfig } from "../../kube/config.ts";
import { createHttpKubeClient } from "../../kube/http_client.ts";

export async function connectCluster(): Promise<KubeClient> {
  return createHttpKubeClient(isInCluster() ? inClusterConfig() : await loadKubeConfig());
}
