/**
 * Which connections pass through the proxy: a pure list of rules, and their way into nf_tables.
 *
 * Two chains with Linkerd's names. What matches no rule of a chain goes where it wanted to. Connections of the proxy
 * itself are recognised by its user id, and by a packet mark where user ids cannot tell (in a user namespace that maps
 * one id only, every process has the same).
 */
import type { NetlinkConnection } from "../linux/netlink/connection.ts";
import { parsePrefix } from "../linux/netlink/route.ts";
import { Batch, PRIORITY } from "../linux/netlink/nftables/batch.ts";
import {
  destinationPortIn,
  type Expression,
  groupIs,
  jump,
  leavesBy,
  markIs,
  protocolIs,
  redirectTo,
  returnToCaller,
  sourceIn,
  TCP,
  userIs,
} from "../linux/netlink/nftables/expression.ts";
import { PROXY_MARK } from "../mesh/names.ts";
import { type InitOptions, type PortRange, UsageError } from "./options.ts";

export const TABLE = "linkerd";
export const INBOUND_CHAIN = "PROXY_INIT_REDIRECT", OUTBOUND_CHAIN = "PROXY_INIT_OUTPUT";

/** What a connection must be for a rule to take it; left out parts match all. */
export interface Match {
  readonly uid?: number;
  readonly gid?: number;
  readonly mark?: number;
  readonly leavesBy?: string;
  readonly source?: string;
  readonly tcpPorts?: PortRange;
  readonly isTcp?: boolean;
}

export interface Rule {
  readonly chain: typeof INBOUND_CHAIN | typeof OUTBOUND_CHAIN;
  /** Shown in listings, as iptables comments of Linkerd are. */
  readonly comment: string;
  readonly match: Match;
  /** A port of the proxy; left out: the connection goes where it wanted to. */
  readonly redirectTo?: number;
}

function portsText({ first, last }: PortRange): string {
  return first === last ? String(first) : `${first}-${last}`;
}

/** The rules for a set of options, in the order they apply. @throws UsageError for a subnet that is none */
export function rulesOf(options: InitOptions): Rule[] {
  const inbound: Omit<Rule, "chain">[] = [], outbound: Omit<Rule, "chain">[] = [];
  for (const ports of options.inboundPortsToIgnore) {
    inbound.push({ comment: `proxy-init/ignore-port-${portsText(ports)}`, match: { tcpPorts: ports } });
  }
  for (const source of options.subnetsToIgnore) {
    try {
      parsePrefix(source);
    } catch (error) {
      throw new UsageError(`--subnets-to-ignore: ${(error as Error).message}`);
    }
    inbound.push({ comment: `proxy-init/ignore-subnet-${source}`, match: { source } });
  }
  for (const ports of options.portsToRedirect) {
    inbound.push({
      comment: `proxy-init/redirect-port-${portsText(ports)}-to-proxy-port`,
      match: { tcpPorts: ports },
      redirectTo: options.incomingProxyPort,
    });
  }
  if (options.portsToRedirect.length === 0) {
    inbound.push({
      comment: "proxy-init/redirect-all-incoming-to-proxy-port",
      match: { isTcp: true },
      redirectTo: options.incomingProxyPort,
    });
  }
  if (options.proxyUid > 0) {
    outbound.push({ comment: "proxy-init/ignore-proxy-user-id", match: { uid: options.proxyUid } });
  }
  if (options.proxyGid > 0) {
    outbound.push({ comment: "proxy-init/ignore-proxy-group-id", match: { gid: options.proxyGid } });
  }
  outbound.push({ comment: "proxy-init/ignore-proxy-mark", match: { mark: PROXY_MARK } });
  outbound.push({ comment: "proxy-init/ignore-loopback", match: { leavesBy: "lo" } });
  for (const ports of options.outboundPortsToIgnore) {
    outbound.push({ comment: `proxy-init/ignore-port-${portsText(ports)}`, match: { tcpPorts: ports } });
  }
  outbound.push({
    comment: "proxy-init/redirect-all-outgoing-to-proxy-port",
    match: { isTcp: true },
    redirectTo: options.outgoingProxyPort,
  });
  return [
    ...inbound.map((rule) => ({ chain: INBOUND_CHAIN, ...rule } as const)),
    ...outbound.map((rule) => ({ chain: OUTBOUND_CHAIN, ...rule } as const)),
  ];
}

function expressionsOf({ match, redirectTo: port }: Rule): Expression[] {
  const { uid, gid, mark, source, tcpPorts } = match;
  return [
    ...(uid === undefined ? [] : userIs(uid)),
    ...(gid === undefined ? [] : groupIs(gid)),
    ...(mark === undefined ? [] : markIs(mark)),
    ...(match.leavesBy === undefined ? [] : leavesBy(match.leavesBy)),
    ...(source === undefined ? [] : sourceIn(source)),
    ...(match.isTcp || tcpPorts !== undefined ? protocolIs(TCP) : []),
    ...(tcpPorts === undefined ? [] : destinationPortIn(tcpPorts.first, tcpPorts.last)),
    ...(port === undefined ? [returnToCaller] : redirectTo(port)),
  ];
}

/** A rule as one line, for `--simulate`. */
export function formatRule({ chain, match, redirectTo: port, comment }: Rule): string {
  const parts = [
    match.uid === undefined ? "" : `meta skuid ${match.uid}`,
    match.gid === undefined ? "" : `meta skgid ${match.gid}`,
    match.mark === undefined ? "" : `meta mark 0x${match.mark.toString(16)}`,
    match.leavesBy === undefined ? "" : `oifname "${match.leavesBy}"`,
    match.source === undefined ? "" : `${match.source.includes(":") ? "ip6" : "ip"} saddr ${match.source}`,
    match.tcpPorts !== undefined
      ? `tcp dport ${portsText(match.tcpPorts)}`
      : match.isTcp
      ? "meta l4proto tcp"
      : "",
    port === undefined ? "return" : `redirect to :${port}`,
  ];
  return `add rule inet ${TABLE} ${chain} ${
    parts.filter((part) => part !== "").join(" ")
  } comment "${comment}"`;
}

/**
 * Puts the rules in place of any earlier ones, all at once.
 * @param connection nf_tables of the network namespace to change
 * @throws SystemError; nothing has changed then
 */
export function applyRules(connection: NetlinkConnection, rules: readonly Rule[], hasIPv6: boolean): void {
  const batch = new Batch(hasIPv6 ? "inet" : "ip", TABLE);
  batch.addTable().deleteTable().addTable();
  batch.addChain(INBOUND_CHAIN).addChain(OUTBOUND_CHAIN);
  batch.addChain("prerouting", { type: "nat", hook: "prerouting", priority: PRIORITY.destinationNat });
  batch.addChain("output", { type: "nat", hook: "output", priority: PRIORITY.destinationNat });
  for (const rule of rules) batch.addRule(rule.chain, expressionsOf(rule), rule.comment);
  batch.addRule("prerouting", [jump(INBOUND_CHAIN)], "proxy-init/install-proxy-init-prerouting");
  batch.addRule("output", [jump(OUTBOUND_CHAIN)], "proxy-init/install-proxy-init-output");
  batch.apply(connection);
}

/** Takes the rules away again. */
export function removeRules(connection: NetlinkConnection, hasIPv6: boolean): void {
  new Batch(hasIPv6 ? "inet" : "ip", TABLE).addTable().deleteTable().apply(connection);
}
