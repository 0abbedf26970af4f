/** IP addresses of interfaces, and routes. Source: rtnetlink(7), linux/if_addr.h, linux/rtnetlink.h. */
import { AF_INET, AF_INET6, formatIPv6, parseIPv4, parseIPv6 } from "../address.ts";
import { NETLINK_ROUTE, NetlinkConnection } from "./connection.ts";
import {
  hostOrder32,
  MessageWriter,
  NLM_F_ACK,
  NLM_F_CREATE,
  NLM_F_DUMP,
  NLM_F_REPLACE,
  parseAttributes,
} from "./message.ts";

const RTM_NEWADDR = 20,
  RTM_DELADDR = 21,
  RTM_GETADDR = 22,
  RTM_NEWROUTE = 24,
  RTM_DELROUTE = 25,
  RTM_GETROUTE = 26;
const IFA_ADDRESS = 1, IFA_LOCAL = 2;
const RTA_DST = 1, RTA_OIF = 4, RTA_GATEWAY = 5, RTA_PREFSRC = 7;
const TABLE_MAIN = 254, PROTOCOL_STATIC = 4, SCOPE_UNIVERSE = 0, SCOPE_LINK = 253, SCOPE_NOWHERE = 255;
const TYPE_UNICAST = 1, TYPE_UNREACHABLE = 7;

/** A network: the address's bytes and how many bits count. */
export interface Prefix {
  readonly family: typeof AF_INET | typeof AF_INET6;
  readonly bytes: readonly number[];
  readonly length: number;
}

/** Parses `10.42.0.0/16`, `fd00::/8`, or a bare address (all its bits). @throws SyntaxError */
export function parsePrefix(text: string): Prefix {
  const slash = text.indexOf("/");
  const address = slash < 0 ? text : text.slice(0, slash);
  const v4 = parseIPv4(address), bytes = v4 ?? parseIPv6(address);
  if (bytes === undefined) throw new SyntaxError(`not an IP address or network: ${JSON.stringify(text)}`);
  const length = slash < 0 ? bytes.length * 8 : Number(text.slice(slash + 1));
  if (
    !/^[0-9]*$/.test(text.slice(slash + 1)) && slash >= 0 || !Number.isInteger(length) ||
    length > bytes.length * 8
  ) {
    throw new SyntaxError(`not a network: ${JSON.stringify(text)}`);
  }
  return { family: v4 === undefined ? AF_INET6 : AF_INET, bytes, length };
}

export interface InterfaceAddress {
  readonly index: number;
  readonly address: string;
  readonly prefixLength: number;
}

export interface Route {
  /** `10.43.0.0/16`; left out: the default route. */
  readonly destination?: string;
  /** Index of the interface it leaves by. */
  readonly interfaceIndex?: number;
  readonly gateway?: string;
  /** Source address of what this machine itself sends by it. */
  readonly source?: string;
  /** Answers "unreachable" at once instead of leading anywhere. */
  readonly isUnreachable?: boolean;
}

/** Addresses and routes of the network namespace the connection was opened in. */
export class Routes {
  constructor(readonly connection: NetlinkConnection = new NetlinkConnection(NETLINK_ROUTE)) {}

  #address(type: number, flags: number, index: number, text: string): void {
    const { family, bytes, length } = parsePrefix(text);
    const header = new Uint8Array(8);
    header.set([family, length, 0, 0]);
    header.set(hostOrder32(index), 4);
    const writer = new MessageWriter().begin(type, NLM_F_ACK | flags, header).attribute(IFA_LOCAL, bytes)
      .attribute(IFA_ADDRESS, bytes);
    this.connection.request(writer, `address ${text} on interface ${index}`);
  }

  /** @param address `10.42.0.1/16` */
  addAddress(index: number, address: string): void {
    this.#address(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, index, address);
  }

  deleteAddress(index: number, address: string): void {
    this.#address(RTM_DELADDR, 0, index, address);
  }

  addresses(): InterfaceAddress[] {
    const writer = new MessageWriter().begin(RTM_GETADDR, NLM_F_DUMP, new Uint8Array(8));
    return this.connection.dump(writer, "list addresses").map(({ payload }) => {
      const view = new DataView(payload.buffer, payload.byteOffset);
      const attributes = parseAttributes(payload.subarray(8));
      const bytes = attributes.get(IFA_LOCAL) ?? attributes.get(IFA_ADDRESS) ?? new Uint8Array();
      return { index: view.getUint32(4, true), address: formatBytes(bytes), prefixLength: view.getUint8(1) };
    });
  }

  #route(type: number, flags: number, route: Route): void {
    const gateway = route.gateway === undefined ? undefined : parsePrefix(route.gateway);
    const destination = route.destination === undefined
      ? { family: gateway?.family ?? AF_INET, bytes: [], length: 0 }
      : parsePrefix(route.destination);
    const scope = route.isUnreachable
      ? SCOPE_UNIVERSE
      : type === RTM_DELROUTE
      ? SCOPE_NOWHERE
      : gateway === undefined
      ? SCOPE_LINK
      : SCOPE_UNIVERSE;
    const kind = route.isUnreachable ? TYPE_UNREACHABLE : TYPE_UNICAST;
    const header = new Uint8Array(12);
    header.set([destination.family, destination.length, 0, 0, TABLE_MAIN, PROTOCOL_STATIC, scope, kind]);
    const writer = new MessageWriter().begin(type, NLM_F_ACK | flags, header);
    if (destination.length > 0) writer.attribute(RTA_DST, destination.bytes);
    if (gateway !== undefined) writer.attribute(RTA_GATEWAY, gateway.bytes);
    if (route.interfaceIndex !== undefined) writer.attribute(RTA_OIF, hostOrder32(route.interfaceIndex));
    if (route.source !== undefined) writer.attribute(RTA_PREFSRC, parsePrefix(route.source).bytes);
    this.connection.request(writer, `route to ${route.destination ?? "default"}`);
  }

  addRoute(route: Route): void {
    this.#route(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, route);
  }

  deleteRoute(route: Route): void {
    this.#route(RTM_DELROUTE, 0, route);
  }

  /** Routes of the main table. */
  routes(): Route[] {
    const writer = new MessageWriter().begin(RTM_GETROUTE, NLM_F_DUMP, new Uint8Array(12));
    return this.connection.dump(writer, "list routes").filter(({ payload }) => payload[4] === TABLE_MAIN)
      .map(({ payload }) => {
        const attributes = parseAttributes(payload.subarray(12));
        const text = (type: number) => attributes.has(type) ? formatBytes(attributes.get(type)!) : undefined;
        const index = attributes.get(RTA_OIF), gateway = text(RTA_GATEWAY), source = text(RTA_PREFSRC);
        return {
          ...(payload[1] === 0 ? {} : { destination: `${text(RTA_DST)}/${payload[1]}` }),
          ...(gateway === undefined ? {} : { gateway }),
          ...(source === undefined ? {} : { source }),
          ...(index === undefined
            ? {}
            : { interfaceIndex: new DataView(index.buffer, index.byteOffset).getUint32(0, true) }),
          ...(payload[7] === TYPE_UNREACHABLE ? { isUnreachable: true } : {}),
        };
      });
  }
}

function formatBytes(bytes: Uint8Array): string {
  return bytes.length === 4 ? bytes.join(".") : formatIPv6(bytes);
}
