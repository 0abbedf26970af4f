/** Names under which the dashboard is answered: what a stranger could register is not among them. */
import { CLUSTER_DOMAIN } from "./names.ts";

/**
 * A regular expression over the Host header without its port: this machine, addresses, the dashboard's Service.
 *
 * @param clusterDomain of the cluster it runs in
 */
export function dashboardHosts(clusterDomain: string = CLUSTER_DOMAIN): string {
  const domain = clusterDomain.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
  return String.raw`localhost|[0-9.]+|\[[0-9a-fA-F:.]+\]|web(\.[a-z0-9-]+\.svc(\.${domain})?)?`;
}
