/**
 * What a cluster could leave behind on a machine: processes, namespaces that something holds, links, packet rules,
 * mounts and files. Recorded while it runs, looked for when it has ended.
 */
import { NETLINK_NETFILTER, NETLINK_ROUTE, NetlinkConnection } from "../../src/linux/netlink/connection.ts";
import { Links } from "../../src/linux/netlink/link.ts";
import { listTables } from "../../src/linux/netlink/nftables/dump.ts";
import type { Cluster } from "../../src/local/cluster/cluster.ts";
import { namespacesOf, now, processesBelow, startedAt } from "./processes.ts";

/** Names of this machine's own links, and of its tables of packet rules as far as this user may see them. */
function networkOfMachine(): Set<string> {
  const found = new Set<string>();
  const route = new NetlinkConnection(NETLINK_ROUTE);
  for (const { name } of new Links(route).list()) found.add(`link ${name}`);
  route.close();
  if (Deno.uid() !== 0) return found; // an ordinary user may not ask, and so cannot have added any
  const rules = new NetlinkConnection(NETLINK_NETFILTER);
  for (const family of ["ip", "inet"] as const) {
    for (const table of listTables(rules, family)) found.add(`table ${family} ${table}`);
  }
  rules.close();
  return found;
}

function* everyProcess(): Generator<number> {
  for (const { name } of Deno.readDirSync("/proc")) if (/^\d+$/.test(name)) yield Number(name);
}

/**
 * Process ids and numbers of namespaces are given again: a process is known by its start as well, and a namespace
 * counts for what lived in it while it was known to be ours.
 */
export class Leftovers {
  readonly #network = networkOfMachine();
  readonly #own = new Set(namespacesOf("self"));
  /** Their starts, by process id. */
  readonly #processes = new Map<number, number>();
  /** As they were when last noted. */
  #namespaces: ReadonlySet<string> = new Set();
  #notedAt = 0;
  #directory = "";

  /** Notes what there is now. Call it often, and last before the cluster ends: pods come and go. */
  note(cluster: Cluster): void {
    this.#directory = cluster.directory;
    this.#notedAt = now();
    const below = processesBelow(cluster.pid!);
    for (const { pid } of below) this.#processes.set(pid, startedAt(pid));
    this.#namespaces = new Set(
      below.flatMap(({ pid }) => namespacesOf(pid)).filter((namespace) => !this.#own.has(namespace)),
    );
  }

  get noted(): { readonly processes: number; readonly namespaces: number } {
    return { processes: this.#processes.size, namespaces: this.#namespaces.size };
  }

  /** What of it is still there, in words. */
  find(): string[] {
    const found: string[] = [];
    for (const pid of everyProcess()) {
      const start = startedAt(pid);
      if (start === this.#processes.get(pid)) found.push(`process ${pid}`);
      if (!(start < this.#notedAt)) continue;
      const held = namespacesOf(pid).find((namespace) => this.#namespaces.has(namespace));
      if (held !== undefined) found.push(`process ${pid} lives in ${held}`);
    }
    for (const { name } of Deno.readDirSync("/proc/self/fd")) {
      try {
        const target = Deno.readLinkSync(`/proc/self/fd/${name}`);
        if (this.#namespaces.has(target)) found.push(`descriptor ${name} holds ${target}`);
      } catch {
        // The descriptor that was reading this directory.
      }
    }
    const mounts = Deno.readTextFileSync("/proc/self/mountinfo").split("\n");
    const isOurs = (mount: string) =>
      mount.includes(this.#directory) ||
      [...this.#namespaces].some((namespace) => mount.includes(` ${namespace} `));
    for (const mount of mounts.filter(isOurs)) found.push(`mount ${mount}`);
    for (const each of networkOfMachine()) if (!this.#network.has(each)) found.push(each);
    for (const { name } of Deno.readDirSync(this.#directory.replace(/\/[^/]*$/, ""))) {
      if (this.#directory.endsWith(`/${name}`)) found.push(`directory ${this.#directory}`);
    }
    return found;
  }
}
