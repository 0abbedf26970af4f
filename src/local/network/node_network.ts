/**
 * The network of the laptop cluster's one node: pods on cables of their own, and the node's addresses.
 *
 * A pod has one address (/32) and sends everything by the node, which routes: so answers from a service's endpoint
 * pass the node's connection tracking on their way back, and get the service's address again. On a bridge two pods
 * would answer each other directly and that would fail, unless bridged packets are filtered too, which an ordinary
 * user cannot switch on.
 */
import { ENODEV, SystemError } from "../../linux/errno.ts";
import { createNamespace, inNamespaces, type Namespace, openOwnNamespace } from "../../linux/namespace.ts";
import { NETLINK_ROUTE, NetlinkConnection } from "../../linux/netlink/connection.ts";
import { Links } from "../../linux/netlink/link.ts";
import { Routes } from "../../linux/netlink/route.ts";
import { openNftables } from "../../linux/netlink/nftables/batch.ts";
import { AddressPool } from "./address_pool.ts";
import type { ServicePort } from "./service_ports.ts";
import { applyServiceRules } from "./service_rules.ts";

export interface NodeNetworkOptions {
  /** Addresses of pods. Default 10.42.0.0/16; the node has the first one. */
  readonly podNetwork?: string;
  /** Addresses of services. Default 10.43.0.0/16. */
  readonly serviceNetwork?: string;
  /** Service addresses at which the node itself listens. Default the API server's and DNS's: 10.43.0.1, 10.43.0.10. */
  readonly ownServiceAddresses?: readonly string[];
}

/** A pod's place in the network. */
export interface PodNetwork {
  readonly address: string;
  readonly namespace: Namespace;
  /** Gives the address back and takes the cable away, a moment later and without keeping this thread waiting. */
  close(): void;
}

const LOOPBACK_INDEX = 1;

export class NodeNetwork {
  readonly nodeAddress: string;
  readonly serviceNetwork: string;
  readonly ownServiceAddresses: ReadonlySet<string>;
  readonly #pool: AddressPool;
  readonly #connection = new NetlinkConnection(NETLINK_ROUTE);
  readonly #links = new Links(this.#connection);
  readonly #routes = new Routes(this.#connection);
  readonly #nftables = openNftables();
  readonly #remover = new Links();
  #removed = Promise.resolve();
  readonly #pods = new Set<PodNetwork>();
  #applied: string | undefined;

  /** Sets the node up in the calling thread's network namespace, which must be the cluster's own. @throws SystemError */
  constructor(options: NodeNetworkOptions = {}) {
    this.#pool = new AddressPool(options.podNetwork ?? "10.42.0.0/16");
    this.serviceNetwork = options.serviceNetwork ?? "10.43.0.0/16";
    this.ownServiceAddresses = new Set(options.ownServiceAddresses ?? ["10.43.0.1", "10.43.0.10"]);
    this.nodeAddress = this.#pool.first;
    this.#links.setUp("lo");
    for (const address of [this.nodeAddress, ...this.ownServiceAddresses]) {
      this.#routes.addAddress(LOOPBACK_INDEX, `${address}/32`);
    }
    // The node's own connections to services need a route to exist before the rules give them a destination.
    this.#routes.addRoute({
      destination: this.serviceNetwork,
      interfaceIndex: LOOPBACK_INDEX,
      source: this.nodeAddress,
    });
    this.setServices([]);
  }

  /** Makes a network namespace with one cable to the node. @throws SystemError */
  addPod(): PodNetwork {
    const address = this.#pool.take();
    const cable = `pod${address.split(".").slice(2).join("-")}`;
    const namespace = createNamespace("net");
    try {
      this.#links.createVeth({ name: cable, peerName: "eth0", peerNamespace: namespace.fd });
      this.#links.setForwarding(cable);
      this.#routes.addRoute({
        destination: `${address}/32`,
        interfaceIndex: this.#links.indexOf(cable),
        source: this.nodeAddress,
      });
      inNamespaces({ enter: [namespace] }, () => this.#configurePod(address));
    } catch (error) {
      namespace.close();
      this.#pool.giveBack(address);
      throw error;
    }
    const pod: PodNetwork = {
      address,
      namespace,
      close: () => {
        if (!this.#pods.delete(pod)) return;
        namespace.close();
        this.#removeCable(cable);
        this.#pool.giveBack(address);
      },
    };
    this.#pods.add(pod);
    return pod;
  }

  #configurePod(address: string): void {
    const connection = new NetlinkConnection(NETLINK_ROUTE);
    try {
      const links = new Links(connection), routes = new Routes(connection);
      links.setUp("lo");
      links.setUp("eth0");
      const interfaceIndex = links.indexOf("eth0");
      routes.addAddress(interfaceIndex, `${address}/32`);
      routes.addRoute({ destination: `${this.nodeAddress}/32`, interfaceIndex });
      routes.addRoute({ gateway: this.nodeAddress, interfaceIndex, source: address });
    } finally {
      connection.close();
    }
    try {
      // As container runtimes do: a pod's processes need no privilege for port 80.
      Deno.writeTextFileSync("/proc/sys/net/ipv4/ip_unprivileged_port_start", "0");
    } catch {
      // /proc/sys is read-only in many containers; only pods that are not root and want a low port miss it.
    }
  }

  /** A pod that shares the node's network (hostNetwork). */
  hostPod(): PodNetwork {
    const namespace = openOwnNamespace("net");
    return { address: this.nodeAddress, namespace, close: () => namespace.close() };
  }

  /** Makes exactly these service ports reachable; nothing happens when they are as before. @throws SystemError */
  setServices(ports: readonly ServicePort[]): void {
    const wanted = JSON.stringify(ports);
    if (wanted === this.#applied) return;
    applyServiceRules(this.#nftables, ports, {
      serviceNetwork: this.serviceNetwork,
      nodeAddress: this.nodeAddress,
    });
    this.#applied = wanted;
  }

  /** With the cable its route goes too. */
  #removeCable(name: string): void {
    this.#removed = this.#removed.then(() => this.#remover.deleteLater(name)).catch((error) => {
      // ENODEV: the pod's namespace has ended before, and the cable with it.
      if (!(error instanceof SystemError) || error.number !== ENODEV) {
        console.error("pod network:", error.message);
      }
    });
  }

  /** Takes every pod's cable away. What else there is goes with the node's network namespace. */
  async close(): Promise<void> {
    for (const pod of [...this.#pods]) pod.close();
    await this.#removed;
    this.#remover.connection.close();
    this.#connection.close();
    this.#nftables.close();
  }
}
