/**
 * What a rule is made of: it loads something of the packet into a register, compares, and acts.
 *
 * A rule is a list of expressions, evaluated until a comparison fails. Registers are 4 bytes wide; FIRST holds what is
 * being compared, FIRST and SECOND together an address and its port.
 *
 * Source: linux/netfilter/nf_tables.h; shapes as `nft --debug=netlink` prints them.
 */
import { bigEndian16, bigEndian32, hostOrder32, type MessageWriter, zeroTerminated } from "../message.ts";
import { parsePrefix } from "../route.ts";

/** Writes itself into the rule being written. */
export type Expression = (writer: MessageWriter) => void;

const FIRST = 8, SECOND = 9, THIRD = 10, VERDICT = 0;
const LIST_ELEMENT = 1, EXPRESSION_NAME = 1, EXPRESSION_DATA = 2, DATA_VALUE = 1, DATA_VERDICT = 2;
const AF_INET = 2;
export const TCP = 6, UDP = 17;

/** A number of nf_tables' own, in network order. */
type Numbers = Readonly<Record<number, number>>;

function expression(name: string, numbers: Numbers, fill?: Expression): Expression {
  return (writer) => {
    writer.nested(LIST_ELEMENT, () => {
      writer.attribute(EXPRESSION_NAME, zeroTerminated(name));
      writer.nested(EXPRESSION_DATA, () => {
        for (const [type, value] of Object.entries(numbers)) {
          writer.attribute(Number(type), bigEndian32(value));
        }
        fill?.(writer);
      });
    });
  };
}

const META = { mark: 3, iifname: 6, oifname: 7, skuid: 10, skgid: 11, nfproto: 15, l4proto: 16 } as const;

function meta(key: keyof typeof META, register = FIRST): Expression {
  return expression("meta", { 1: register, 2: META[key] });
}

type Base = "network" | "transport";

function payload(base: Base, offset: number, length: number, register = FIRST): Expression {
  return expression("payload", { 1: register, 2: base === "network" ? 1 : 2, 3: offset, 4: length });
}

function value(type: number, bytes: ArrayLike<number>): Expression {
  return (writer) => writer.nested(type, () => writer.attribute(DATA_VALUE, bytes));
}

function compare(bytes: ArrayLike<number>, isEqual = true): Expression {
  return expression("cmp", { 1: FIRST, 2: isEqual ? 0 : 1 }, value(3, bytes));
}

function load(register: number, bytes: ArrayLike<number>): Expression {
  return expression("immediate", { 1: register }, value(2, bytes));
}

/** Packets of one transport protocol. */
export function protocolIs(protocol: number): Expression[] {
  return [meta("l4proto"), compare([protocol])];
}

/** Packets to one port, or to any of a range. The protocol must have been compared before. */
export function destinationPortIn(first: number, last = first): Expression[] {
  if (first === last) return [payload("transport", 2, 2), compare(bigEndian16(first))];
  const range = expression("range", { 1: FIRST, 2: 0 }, (writer) => {
    value(3, bigEndian16(first))(writer);
    value(4, bigEndian16(last))(writer);
  });
  return [payload("transport", 2, 2), range];
}

function addressIn(text: string, offsets: { ip: number; ip6: number }): Expression[] {
  const { family, bytes, length } = parsePrefix(text);
  const isIPv4 = family === AF_INET, size = isIPv4 ? 4 : 16;
  const mask = Array.from(
    { length: size },
    (_, i) => 256 - 2 ** (8 - Math.min(8, Math.max(0, length - i * 8))) & 255,
  );
  const network = bytes.map((byte, i) => byte & mask[i]!);
  return [
    meta("nfproto"),
    compare([family]),
    payload("network", isIPv4 ? offsets.ip : offsets.ip6, size),
    ...(length === size * 8 ? [] : [
      expression("bitwise", { 1: FIRST, 2: FIRST, 3: size }, (writer) => {
        value(4, mask)(writer);
        value(5, new Uint8Array(size))(writer);
      }),
    ]),
    compare(network),
  ];
}

/** Packets from an address or network, `10.0.0.0/8`, `fd00::/8`. */
export function sourceIn(network: string): Expression[] {
  return addressIn(network, { ip: 12, ip6: 8 });
}

/** Packets to an address or network. */
export function destinationIn(network: string): Expression[] {
  return addressIn(network, { ip: 16, ip6: 24 });
}

/** Packets of sockets owned by a user id (output only). */
export function userIs(uid: number): Expression[] {
  return [meta("skuid"), compare(hostOrder32(uid))];
}

/** Packets of sockets owned by a group id (output only). */
export function groupIs(gid: number): Expression[] {
  return [meta("skgid"), compare(hostOrder32(gid))];
}

/** Packets that carry a mark (SO_MARK). */
export function markIs(mark: number): Expression[] {
  return [meta("mark"), compare(hostOrder32(mark))];
}

/** Packets that leave by an interface. */
export function leavesBy(name: string): Expression[] {
  const bytes = new Uint8Array(16);
  bytes.set(zeroTerminated(name).subarray(0, 16));
  return [meta("oifname"), compare(bytes)];
}

/** Packets to an address of this machine. */
export function destinationIsLocal(): Expression[] {
  const RTN_LOCAL = 2;
  return [expression("fib", { 1: FIRST, 2: 3, 3: 2 }), compare(hostOrder32(RTN_LOCAL))];
}

const VERDICTS = { drop: 0, accept: 1, jump: -3, goto: -4, return: -5 } as const;

function verdictData(type: number, verdict: keyof typeof VERDICTS, chain?: string): Expression {
  return (writer) =>
    writer.nested(type, () =>
      writer.nested(DATA_VERDICT, () => {
        writer.attribute(1, bigEndian32(VERDICTS[verdict]));
        if (chain !== undefined) writer.attribute(2, zeroTerminated(chain));
      }));
}

function verdict(which: keyof typeof VERDICTS, chain?: string): Expression {
  return expression("immediate", { 1: VERDICT }, verdictData(2, which, chain));
}

/** Leaves the packet as it is and ends this hook. */
export const accept: Expression = verdict("accept");
/** Back to the chain that jumped here. */
export const returnToCaller: Expression = verdict("return");
/** The packet is gone, without a word. */
export const drop: Expression = verdict("drop");

/** Goes on in another chain, and comes back when that ends. */
export function jump(chain: string): Expression {
  return verdict("jump", chain);
}

/** Sends the packet to a port of this machine, whatever address it was for. */
export function redirectTo(port: number): Expression[] {
  return [load(FIRST, bigEndian16(port)), expression("redir", { 1: FIRST })];
}

function destinationNat(): Expression {
  const DNAT = 1;
  return expression("nat", { 1: DNAT, 2: AF_INET, 3: FIRST, 5: SECOND });
}

/** Sends the packet to another IPv4 address and port. */
export function sendTo(address: string, port: number): Expression[] {
  return [load(FIRST, parsePrefix(address).bytes), load(SECOND, bigEndian16(port)), destinationNat()];
}

/** Gives the packet another IPv4 source address. */
export function comeFrom(address: string): Expression[] {
  const SNAT = 0;
  return [load(FIRST, parsePrefix(address).bytes), expression("nat", { 1: SNAT, 2: AF_INET, 3: FIRST })];
}

/** Answers with a TCP reset. */
export const rejectWithReset: Expression = expression(
  "reject",
  { 1: 1 },
  (writer) => writer.attribute(2, [0]),
);
/** Answers "port unreachable". */
export const rejectPort: Expression = expression("reject", { 1: 2 }, (writer) => writer.attribute(2, [1]));

/** Looks `register` up in a set; with `into`, loads what the map holds there; with VERDICT, does what it says. */
function lookup(set: string, id: number, register: number, into?: number): Expression {
  return expression(
    "lookup",
    { 2: register, ...(into === undefined ? {} : { 3: into }), 4: id },
    (writer) => {
      writer.attribute(1, zeroTerminated(set));
    },
  );
}

/** Picks one of `count` elements of a map of addresses at random, and sends the packet there. */
export function sendToRandom(map: string, id: number, count: number): Expression[] {
  const RANDOM = 1;
  return [
    expression("numgen", { 1: FIRST, 2: count, 3: RANDOM, 4: 0 }),
    lookup(map, id, FIRST, FIRST),
    destinationNat(),
  ];
}

/** Does what a verdict map says for the packet's IPv4 destination, protocol and port. */
export function dispatchByDestination(map: string, id: number): Expression[] {
  return [
    payload("network", 16, 4, FIRST),
    meta("l4proto", SECOND),
    payload("transport", 2, 2, THIRD),
    lookup(map, id, FIRST, VERDICT),
  ];
}

/** True of packets whose IPv4 source and destination are a pair in the set. */
export function addressPairIn(set: string, id: number): Expression[] {
  return [payload("network", 12, 4, FIRST), payload("network", 16, 4, SECOND), lookup(set, id, FIRST)];
}

/** Bytes that fill whole registers, as keys of several parts do. */
export function registers(...parts: ArrayLike<number>[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + (part.length + 3 & ~3), 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length + 3 & ~3;
  }
  return bytes;
}

/** An element of a verdict map: go to `chain`. */
export function gotoElement(chain: string): Expression {
  return verdictData(2, "goto", chain);
}

/** An element of a map of values. */
export function valueElement(bytes: ArrayLike<number>): Expression {
  return value(2, bytes);
}
