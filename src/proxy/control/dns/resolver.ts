/**
 * Resolves the names of control services by UDP on the loop. Answers are kept for their time to live; while the name
 * server is away the last answer stands.
 * Source: RFC 1035 §4.2.1, §7; proxy.md §1 (DNS_MIN_TTL, DNS_MAX_TTL).
 */
import { EPOLLIN } from "../../../linux/epoll.ts";
import { parseIPv4, parseIPv6, type SocketAddress } from "../../../linux/address.ts";
import { close, connectUdp, receive, send } from "../../../linux/socket.ts";
import type { Telemetry } from "../../telemetry/telemetry.ts";
import type { Arena } from "../../worker/arena.ts";
import type { Loop } from "../../worker/loop.ts";
import { PROXY_MARK } from "../../../mesh/names.ts";
import { decodeResponse, type DnsResponse, encodeQuery, TYPE_A, TYPE_AAAA } from "./message.ts";
import { meaningsOf, NO_SEARCH, type SearchList } from "./search_list.ts";

const ATTEMPT_MS = 1000, ATTEMPTS = 3, MAX_MESSAGE = 4096, NO_SUCH_NAME = 3;

/** The name servers of a resolv.conf; 127.0.0.1 when it names none, as resolv.conf(5) says. */
export function nameServersOf(resolvConf: string): string[] {
  const servers = [...resolvConf.matchAll(/^nameserver\s+(\S+)/gm)].map((match) => match[1]!);
  const usable = servers.filter((ip) => parseIPv4(ip) !== undefined || parseIPv6(ip) !== undefined);
  return usable.length > 0 ? usable : ["127.0.0.1"];
}

interface Known {
  readonly addresses: readonly string[];
  readonly until: number;
}

export class Resolver {
  readonly #known = new Map<string, Known>();
  #nextId = Math.floor(Math.random() * 65536);

  constructor(
    private readonly loop: Loop,
    private readonly arena: Arena,
    private readonly telemetry: Telemetry,
    private readonly servers: readonly SocketAddress[],
    private readonly mark: number = PROXY_MARK,
    private readonly search: SearchList = NO_SEARCH,
  ) {}

  /** The addresses of `name`. @throws Error that says what was asked of whom, when there is no answer and never was one */
  async resolve(name: string): Promise<readonly string[]> {
    if (parseIPv4(name) !== undefined || parseIPv6(name) !== undefined) return [name];
    if (/^localhost\.?$/.test(name)) return ["127.0.0.1"];
    const known = this.#known.get(name);
    if (known !== undefined && known.until > this.loop.now) return known.addresses;
    const found = await this.#find(name);
    if (typeof found !== "string") {
      this.#count("ok");
      this.#known.set(name, found);
      return found.addresses;
    }
    this.#count("not_found");
    if (known !== undefined) return known.addresses;
    throw new Error(`cannot resolve ${name}: ${found}`);
  }

  /** The next question about `name` goes to a name server, whatever its last answer's time to live. */
  distrust(name: string): void {
    const known = this.#known.get(name);
    if (known !== undefined) this.#known.set(name, { ...known, until: 0 });
  }

  #count(result: string): void {
    this.telemetry.counter("control_dns_resolutions_total", "DNS resolutions of control services", {
      record_type: "A/AAAA",
      result,
    }).value++;
  }

  /** Asks for what the name may mean, until something has an address. @returns that, or why the last has none */
  async #find(name: string): Promise<Known | string> {
    let found: Known | string = "it means nothing";
    for (const meaning of meaningsOf(name, this.search)) {
      found = await this.#ask(meaning);
      if (typeof found !== "string") break;
    }
    return found;
  }

  async #ask(name: string): Promise<Known | string> {
    let problem = "no name server";
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const server = this.servers[attempt % this.servers.length]!;
      const response = await this.#exchange(server, name, TYPE_A);
      if (response === undefined) {
        problem = `${server.ip} does not answer`;
        continue;
      }
      const addresses = response.answers.filter((answer) => answer.type === TYPE_A);
      const all = addresses.length > 0 || response.code === NO_SUCH_NAME
        ? addresses
        : (await this.#exchange(server, name, TYPE_AAAA))?.answers.filter((answer) =>
          answer.type === TYPE_AAAA
        ) ?? [];
      if (all.length === 0) return response.code === NO_SUCH_NAME ? "no such name" : "it has no address";
      const ttl = Math.max(1, Math.min(...all.map((answer) => answer.ttlSeconds)));
      return { addresses: all.map((answer) => answer.value), until: this.loop.now + ttl * 1e6 };
    }
    return problem;
  }

  #exchange(server: SocketAddress, name: string, type: number): Promise<DnsResponse | undefined> {
    const id = this.#nextId = (this.#nextId + 1) & 0xffff, query = encodeQuery(id, name, type);
    const fd = connectUdp(server, this.mark);
    if (fd < 0) return Promise.resolve(undefined);
    const { memory, scratchAt, receiveAt } = this.arena;
    return new Promise((done) => {
      const finish = (response: DnsResponse | undefined) => {
        cancel();
        this.loop.wakeControl();
        this.loop.forget(fd);
        close(fd);
        done(response);
      };
      const cancel = this.loop.after(ATTEMPT_MS, () => finish(undefined));
      this.loop.add(fd, EPOLLIN, {
        onEvents: () => {
          const count = receive(fd, this.arena.receivePointer(receiveAt, MAX_MESSAGE), MAX_MESSAGE);
          if (count < 0) return finish(undefined);
          const response = decodeResponse(memory.bytes.slice(receiveAt, receiveAt + count));
          if (response?.id === id) finish(response);
        },
        onFault: () => finish(undefined),
      });
      memory.bytes.set(query, scratchAt);
      send(fd, memory.pointer(scratchAt, query.length), query.length);
    });
  }
}
