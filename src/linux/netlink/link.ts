/** Network interfaces: veth pairs, bridges, up and down. Source: rtnetlink(7), linux/if_link.h. */
import { ENODEV } from "../errno.ts";
import { NETLINK_ROUTE, NetlinkConnection, NetlinkError } from "./connection.ts";
import {
  attributeList,
  hostOrder32,
  MessageWriter,
  NLM_F_ACK,
  NLM_F_CREATE,
  NLM_F_DUMP,
  NLM_F_EXCL,
  parseAttributes,
  textOf,
  zeroTerminated,
} from "./message.ts";

const RTM_NEWLINK = 16, RTM_DELLINK = 17, RTM_GETLINK = 18, RTM_SETLINK = 19;
const IFLA_ADDRESS = 1, IFLA_IFNAME = 3, IFLA_MTU = 4, IFLA_MASTER = 10, IFLA_LINKINFO = 18;
const IFLA_AF_SPEC = 26, IFLA_NET_NS_FD = 28;
const IFLA_INFO_KIND = 1, IFLA_INFO_DATA = 2, VETH_INFO_PEER = 1;
const AF_INET = 2, IFLA_INET_CONF = 1;
const IFF_UP = 1;
/** Per-interface IPv4 settings, by their index in the kernel. Source: linux/ip.h (IPV4_DEVCONF_*). */
const DEVCONF_FORWARDING = 1, DEVCONF_RP_FILTER = 8;

export interface Link {
  readonly index: number;
  readonly name: string;
  readonly isUp: boolean;
  /** Index of the bridge it belongs to, 0 for none. */
  readonly master: number;
  readonly mtu: number;
  /** `veth`, `bridge`, `dummy` ...; empty for hardware and loopback. */
  readonly kind: string;
}

function header(index = 0, flags = 0, change = 0): Uint8Array {
  const bytes = new Uint8Array(16), view = new DataView(bytes.buffer);
  view.setInt32(4, index, true);
  view.setUint32(8, flags, true);
  view.setUint32(12, change, true);
  return bytes;
}

export interface VethOptions {
  readonly name: string;
  readonly peerName: string;
  /** Descriptor of the network namespace the peer is born in; left out: the same as the near end. */
  readonly peerNamespace?: number;
  readonly mtu?: number;
}

/** Links of the network namespace the connection was opened in. Every method throws NetlinkError when refused. */
export class Links {
  constructor(readonly connection: NetlinkConnection = new NetlinkConnection(NETLINK_ROUTE)) {}

  #named(
    type: number,
    name: string,
    context: string,
    fill?: (writer: MessageWriter) => void,
    flags = 0,
  ): void {
    const writer = new MessageWriter().begin(type, NLM_F_ACK, header(0, flags, flags))
      .attribute(IFLA_IFNAME, zeroTerminated(name));
    fill?.(writer);
    this.connection.request(writer, `${context} ${name}`);
  }

  #create(name: string, kind: string, fill?: (writer: MessageWriter) => void, mtu?: number): void {
    const writer = new MessageWriter()
      .begin(RTM_NEWLINK, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, header(0, IFF_UP, IFF_UP))
      .attribute(IFLA_IFNAME, zeroTerminated(name));
    if (mtu !== undefined) writer.attribute(IFLA_MTU, hostOrder32(mtu));
    writer.nested(IFLA_LINKINFO, () => {
      writer.attribute(IFLA_INFO_KIND, zeroTerminated(kind));
      fill?.(writer);
    });
    this.connection.request(writer, `create ${kind} ${name}`);
  }

  /** Two interfaces joined by a cable: the near one up, its peer to be brought up where it is. */
  createVeth(options: VethOptions): void {
    this.#create(
      options.name,
      "veth",
      (writer) =>
        writer.nested(IFLA_INFO_DATA, () =>
          writer.nested(VETH_INFO_PEER, () => {
            writer.raw(header()).attribute(IFLA_IFNAME, zeroTerminated(options.peerName));
            if (options.mtu !== undefined) writer.attribute(IFLA_MTU, hostOrder32(options.mtu));
            if (options.peerNamespace !== undefined) {
              writer.attribute(IFLA_NET_NS_FD, hostOrder32(options.peerNamespace));
            }
          })),
      options.mtu,
    );
  }

  createBridge(name: string): void {
    this.#create(name, "bridge");
  }

  setUp(name: string): void {
    this.#named(RTM_SETLINK, name, "bring up", undefined, IFF_UP);
  }

  setDown(name: string): void {
    const writer = new MessageWriter().begin(RTM_SETLINK, NLM_F_ACK, header(0, 0, IFF_UP))
      .attribute(IFLA_IFNAME, zeroTerminated(name));
    this.connection.request(writer, `bring down ${name}`);
  }

  /** Makes `name` a port of `bridge`. */
  enslave(name: string, bridge: string): void {
    const master = this.indexOf(bridge);
    this.#named(
      RTM_SETLINK,
      name,
      `add to ${bridge}`,
      (writer) => writer.attribute(IFLA_MASTER, hostOrder32(master)),
    );
  }

  setMacAddress(name: string, address: ArrayLike<number>): void {
    this.#named(RTM_SETLINK, name, "set address of", (writer) => writer.attribute(IFLA_ADDRESS, address));
  }

  /**
   * Lets packets that arrive at `name` be routed on. By netlink and not by /proc/sys, which containers often may not
   * write.
   */
  setForwarding(name: string): void {
    this.#named(
      RTM_SETLINK,
      name,
      "set forwarding of",
      (writer) =>
        writer.nested(IFLA_AF_SPEC, () =>
          writer.nested(AF_INET, () =>
            writer.nested(IFLA_INET_CONF, () => {
              writer.attribute(DEVCONF_FORWARDING, hostOrder32(1));
              writer.attribute(DEVCONF_RP_FILTER, hostOrder32(0));
            }))),
    );
  }

  /** Moves an interface to another network namespace. */
  moveTo(name: string, namespace: number): void {
    this.#named(
      RTM_SETLINK,
      name,
      "move",
      (writer) => writer.attribute(IFLA_NET_NS_FD, hostOrder32(namespace)),
    );
  }

  /** Deletes an interface; of a veth pair both ends. */
  delete(name: string): void {
    this.#named(RTM_DELLINK, name, "delete");
  }

  /** The same on another thread, since the kernel waits for all processors: one at a time per connection. */
  async deleteLater(name: string): Promise<void> {
    const writer = new MessageWriter().begin(RTM_DELLINK, NLM_F_ACK, header()).attribute(
      IFLA_IFNAME,
      zeroTerminated(name),
    );
    await this.connection.requestLater(writer, `delete ${name}`);
  }

  list(): Link[] {
    const writer = new MessageWriter().begin(RTM_GETLINK, NLM_F_DUMP, header());
    return this.connection.dump(writer, "list links").map(({ payload }) => parseLink(payload));
  }

  find(name: string): Link | undefined {
    return this.list().find((link) => link.name === name);
  }

  /** @throws NetlinkError ENODEV when there is none */
  indexOf(name: string): number {
    const link = this.find(name);
    if (link === undefined) {
      throw new NetlinkError("netlink", ENODEV, `interface ${name}`, 0);
    }
    return link.index;
  }
}

function parseLink(payload: Uint8Array): Link {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const attributes = parseAttributes(payload.subarray(16));
  const number = (type: number): number => {
    const value = attributes.get(type);
    return value === undefined ? 0 : new DataView(value.buffer, value.byteOffset).getUint32(0, true);
  };
  const info = attributes.get(IFLA_LINKINFO);
  const kind = info === undefined ? undefined : attributeList(info).find(([type]) => type === IFLA_INFO_KIND);
  return {
    index: view.getInt32(4, true),
    name: textOf(attributes.get(IFLA_IFNAME) ?? new Uint8Array()),
    isUp: (view.getUint32(8, true) & IFF_UP) !== 0,
    master: number(IFLA_MASTER),
    mtu: number(IFLA_MTU),
    kind: kind === undefined ? "" : textOf(kind[1]),
  };
}
