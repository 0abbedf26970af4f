/** Addresses of the node, which has a network of its own: nothing of the machine's can clash with them. */

export const NODE_NAME = "node1";
export const NODE_ADDRESS = "10.200.0.1";
export const API_PORT = 6443;
export const API_SERVER = `https://${NODE_ADDRESS}:${API_PORT}`;
export const POD_NETWORK = "10.244.0.0/24";
export const SERVICE_NETWORK = "10.96.0.0/16";
/** Of the Service `kubernetes` in `default`: the first of the service network. */
export const API_SERVICE_ADDRESS = "10.96.0.1";
export const DNS_SERVICE_ADDRESS = "10.96.0.10";
export const CLUSTER_DOMAIN = "cluster.local";
export const ETCD = "http://127.0.0.1:2379";
