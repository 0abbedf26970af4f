/** Whether the networks that proxies ask the control plane about hold everything that there is in the cluster. */
import { BlockList, isIP } from "node:net";
import { NODES, PODS, SERVICES } from "../../../kube/kinds.ts";
import { type Check, refuse, SKIPPED } from "../check_model.ts";
import type { Facts } from "../facts.ts";

const family = (address: string) => isIP(address) === 6 ? "ipv6" : "ipv4";

/** Networks as `clusterNetworks` lists them. */
class Networks {
  readonly #networks: { readonly bits: number; readonly list: BlockList }[] = [];

  constructor(text: string) {
    for (const network of text.split(",").map((one) => one.trim()).filter((one) => one !== "")) {
      const [address = "", bits = ""] = network.split("/"), list = new BlockList();
      if (isIP(address) === 0 || !/^\d+$/.test(bits)) continue;
      list.addSubnet(address, Number(bits), family(address));
      this.#networks.push({ bits: Number(bits), list });
    }
  }

  /** Whether one of them holds an address, or all of a network. */
  holds(address: string, bits = isIP(address) === 6 ? 128 : 32): boolean {
    return this.#networks.some((one) => one.bits <= bits && one.list.check(address, family(address)));
  }
}

async function networks(facts: Facts): Promise<Networks> {
  return new Networks((await facts.values()).clusterNetworks);
}

const INTRODUCTION = "the value clusterNetworks does not contain:";

export const clusterNetworks: readonly Check[] = [
  {
    description: "cluster networks contains all node podCIDRs",
    anchor: "l5d-cluster-networks-cidr",
    async run(facts) {
      const [known, nodes] = await Promise.all([networks(facts), facts.client.list(NODES)]);
      const named = nodes.items.flatMap(({ metadata, spec }) =>
        [...new Set([...spec?.podCIDRs ?? [], ...(spec?.podCIDR === undefined ? [] : [spec.podCIDR])])]
          .map((network) => ({ node: metadata?.name, network }))
      );
      if (named.length === 0) return SKIPPED;
      refuse(
        named.filter(({ network }) => {
          const [address = "", bits] = network.split("/");
          return !known.holds(address, Number(bits));
        }).map(({ node, network }) => `node ${node}: ${network}`),
        INTRODUCTION,
      );
      return undefined;
    },
  },
  {
    description: "cluster networks contains all pods",
    anchor: "l5d-cluster-networks-pods",
    async run(facts) {
      const [known, pods] = await Promise.all([networks(facts), facts.client.list(PODS)]);
      const addressed = pods.items.filter(({ spec, status }) => spec?.hostNetwork !== true && status?.podIP);
      refuse(
        addressed.filter(({ status }) => !known.holds(status!.podIP!))
          .map(({ metadata, status }) => `pod ${metadata?.namespace}/${metadata?.name}: ${status?.podIP}`),
        INTRODUCTION,
      );
    },
  },
  {
    description: "cluster networks contains all services",
    anchor: "l5d-cluster-networks-pods",
    async run(facts) {
      const [known, services] = await Promise.all([networks(facts), facts.client.list(SERVICES)]);
      refuse(
        services.items.filter(({ spec }) =>
          isIP(spec?.clusterIP ?? "") !== 0 && !known.holds(spec!.clusterIP!)
        )
          .map(({ metadata, spec }) =>
            `service ${metadata?.namespace}/${metadata?.name}: ${spec?.clusterIP}`
          ),
        INTRODUCTION,
      );
    },
  },
];
