/**
 * Service addresses as nf_tables rules of the node: a connection to one goes to a ready endpoint, picked at random;
 * to one without endpoints it is refused at once.
 *
 * One map from (address, protocol, port) to the port's chain, so that many services cost no more per connection than
 * one. The whole table is replaced in one batch; connections that exist keep their endpoint.
 */
import type { NetlinkConnection } from "../../linux/netlink/connection.ts";
import { bigEndian16, bigEndian32 } from "../../linux/netlink/message.ts";
import { Batch, PRIORITY } from "../../linux/netlink/nftables/batch.ts";
import {
  accept,
  addressPairIn,
  comeFrom,
  destinationIn,
  destinationIsLocal,
  dispatchByDestination,
  gotoElement,
  protocolIs,
  registers,
  rejectPort,
  rejectWithReset,
  sendTo,
  sendToRandom,
  TCP,
  UDP,
  valueElement,
} from "../../linux/netlink/nftables/expression.ts";
import { parsePrefix } from "../../linux/netlink/route.ts";
import type { ServicePort } from "./service_ports.ts";

export const TABLE = "linkerd-services";

export interface ServiceRuleOptions {
  /** All service addresses lie in it. */
  readonly serviceNetwork: string;
  /** Source address given to a pod's connection to itself by way of a service. */
  readonly nodeAddress: string;
}

const bytesOf = (ip: string) => parsePrefix(ip).bytes;

function addServiceChain(batch: Batch, chain: string, { name, targets }: ServicePort): void {
  batch.addChain(chain);
  const [only] = targets;
  if (targets.length === 1) batch.addRule(chain, sendTo(only!.ip, only!.port), name);
  else {
    const elements = targets.map(({ ip, port }, index) => ({
      key: bigEndianIndex(index),
      data: valueElement(registers(bytesOf(ip), bigEndian16(port))),
    }));
    const map = `__map${chain}`;
    const id = batch.addSet(map, { keyBytes: 4, data: { bytes: 8 }, isAnonymous: true }, elements);
    batch.addRule(chain, sendToRandom(map, id, targets.length), name);
  }
}

/** numgen's numbers are in host order. */
function bigEndianIndex(index: number): Uint8Array {
  return bigEndian32(index).reverse();
}

/**
 * Replaces all service rules.
 * @throws SystemError; the rules are as they were then
 */
export function applyServiceRules(
  connection: NetlinkConnection,
  ports: readonly ServicePort[],
  { serviceNetwork, nodeAddress }: ServiceRuleOptions,
): void {
  const batch = new Batch("ip", TABLE);
  batch.addTable().deleteTable().addTable();
  const answered = ports.filter(({ targets }) => targets.length > 0);
  for (const [index, port] of answered.entries()) addServiceChain(batch, `service-${index}`, port);
  const services = batch.addSet(
    "services",
    { keyBytes: 12, data: "verdict" },
    answered.map(({ address, protocol, port }, index) => ({
      key: registers(bytesOf(address), [protocol === "TCP" ? TCP : UDP], bigEndian16(port)),
      data: gotoElement(`service-${index}`),
    })),
  );
  const hosts = [...new Set(answered.flatMap(({ targets }) => targets.map(({ ip }) => ip)))];
  const itself = batch.addSet(
    "itself",
    { keyBytes: 8 },
    hosts.map((ip) => ({ key: registers(bytesOf(ip), bytesOf(ip)) })),
  );
  for (const hook of ["prerouting", "output"] as const) {
    batch.addChain(hook, { type: "nat", hook, priority: PRIORITY.destinationNat });
    batch.addRule(hook, dispatchByDestination("services", services), "to an endpoint");
  }
  batch.addChain("postrouting", { type: "nat", hook: "postrouting", priority: PRIORITY.sourceNat });
  batch.addRule(
    "postrouting",
    [...addressPairIn("itself", itself), ...comeFrom(nodeAddress)],
    "a pod to itself",
  );
  for (const hook of ["forward", "output"] as const) {
    const chain = `${hook}-refuse`;
    batch.addChain(chain, { type: "filter", hook, priority: PRIORITY.filter });
    batch.addRule(chain, [...destinationIsLocal(), accept]);
    // What is still for a service address here has no endpoint.
    const unanswered = destinationIn(serviceNetwork);
    batch.addRule(chain, [...unanswered, ...protocolIs(TCP), rejectWithReset], "no endpoints");
    batch.addRule(chain, [...unanswered, rejectPort], "no endpoints");
  }
  batch.apply(connection);
}
