/**
 * Changes to nf_tables, applied all at once or not at all.
 *
 * Packets see the rules as they were before or as they are after, never in between; so a table is replaced by deleting
 * and writing it anew in one batch.
 *
 * Source: linux/netfilter/nf_tables.h, nfnetlink.h; the wiki of nftables.
 */
import { ENOENT, EOPNOTSUPP, EPERM, SystemError } from "../../errno.ts";
import { NETLINK_NETFILTER, NetlinkConnection } from "../connection.ts";
import { bigEndian32, MessageWriter, NLM_F_APPEND, NLM_F_CREATE, zeroTerminated } from "../message.ts";
import type { Expression } from "./expression.ts";

export const FAMILIES = { inet: 1, ip: 2, ip6: 10 } as const;
export type Family = keyof typeof FAMILIES;
export const SUBSYSTEM = 10;
const BATCH_BEGIN = 0x10, BATCH_END = 0x11;
const NEWTABLE = 0, DELTABLE = 2, NEWCHAIN = 3, NEWRULE = 6, NEWSET = 9, NEWSETELEM = 12;
const HOOKS = { prerouting: 0, input: 1, forward: 2, output: 3, postrouting: 4 } as const;
/** Names people use for places in the order of hooks. */
export const PRIORITY = { destinationNat: -100, filter: 0, sourceNat: 100 } as const;

export interface Hook {
  readonly type: "nat" | "filter";
  readonly hook: keyof typeof HOOKS;
  readonly priority: number;
}

/** One element of a set: its key and, in a map, what stands there. */
export interface Element {
  readonly key: ArrayLike<number>;
  readonly data?: Expression;
}

export interface SetShape {
  readonly keyBytes: number;
  /** Left out: a plain set. */
  readonly data?: "verdict" | { readonly bytes: number };
  /** Known by its id in the rule that uses it alone, and gone with it. */
  readonly isAnonymous?: boolean;
}

export class Batch {
  readonly #writer = new MessageWriter();
  #setId = 0;
  /** Sequence number → what that message does, for errors. */
  readonly #steps: string[] = [];

  constructor(readonly family: Family, readonly table: string) {
    this.#writer.begin(BATCH_BEGIN, 0, [0, 0, 0, SUBSYSTEM]);
    this.#steps.push("begin");
  }

  #begin(operation: number, flags: number, step: string): MessageWriter {
    this.#steps.push(step);
    const type = SUBSYSTEM << 8 | operation;
    return this.#writer.begin(type, flags, [FAMILIES[this.family], 0, 0, 0]);
  }

  addTable(): this {
    this.#begin(NEWTABLE, NLM_F_CREATE, `table ${this.table}`).attribute(1, zeroTerminated(this.table));
    return this;
  }

  /** Deletes the table with all it holds; it must exist, so add it first where that is not known. */
  deleteTable(): this {
    this.#begin(DELTABLE, 0, `delete table ${this.table}`).attribute(1, zeroTerminated(this.table));
    return this;
  }

  /** @param hook where packets enter the chain; left out: only jumps lead there */
  addChain(name: string, hook?: Hook): this {
    const writer = this.#begin(NEWCHAIN, NLM_F_CREATE, `chain ${name}`).attribute(
      1,
      zeroTerminated(this.table),
    )
      .attribute(3, zeroTerminated(name));
    if (hook === undefined) return this;
    writer.nested(4, () => {
      writer.attribute(1, bigEndian32(HOOKS[hook.hook])).attribute(2, bigEndian32(hook.priority));
    });
    writer.attribute(7, zeroTerminated(hook.type));
    return this;
  }

  /** Appends a rule. @param comment shown by `nft list ruleset` and by dumps, up to 127 bytes */
  addRule(chain: string, expressions: readonly Expression[], comment = ""): this {
    const step = `rule ${comment || `of ${chain}`}`;
    const writer = this.#begin(NEWRULE, NLM_F_CREATE | NLM_F_APPEND, step).attribute(
      1,
      zeroTerminated(this.table),
    )
      .attribute(2, zeroTerminated(chain));
    writer.nested(4, () => {
      for (const expression of expressions) expression(writer);
    });
    if (comment !== "") {
      const text = zeroTerminated(comment);
      writer.attribute(7, Uint8Array.of(0, text.length, ...text));
    }
    return this;
  }

  /** Adds a set or map with its elements. @returns the id by which rules of this batch refer to it */
  addSet(name: string, shape: SetShape, elements: readonly Element[]): number {
    const ANONYMOUS = 1, CONSTANT = 2, MAP = 8, VERDICT_TYPE = 0xffffff00;
    const id = ++this.#setId;
    const flags = (shape.isAnonymous ? ANONYMOUS | CONSTANT : 0) | (shape.data === undefined ? 0 : MAP);
    const writer = this.#begin(NEWSET, NLM_F_CREATE, `set ${name}`).attribute(1, zeroTerminated(this.table))
      .attribute(2, zeroTerminated(name)).attribute(3, bigEndian32(flags)).attribute(4, bigEndian32(0))
      .attribute(5, bigEndian32(shape.keyBytes)).attribute(10, bigEndian32(id));
    if (shape.data === "verdict") writer.attribute(6, bigEndian32(VERDICT_TYPE));
    else if (shape.data !== undefined) {
      writer.attribute(6, bigEndian32(0)).attribute(7, bigEndian32(shape.data.bytes));
    }
    // An attribute holds at most 65,535 bytes, so many elements go in several messages.
    for (let from = 0; from < elements.length; from += 400) {
      this.#addElements(name, id, elements.slice(from, from + 400));
    }
    return id;
  }

  #addElements(name: string, id: number, elements: readonly Element[]): void {
    const writer = this.#begin(NEWSETELEM, NLM_F_CREATE, `elements of ${name}`)
      .attribute(1, zeroTerminated(this.table)).attribute(2, zeroTerminated(name)).attribute(
        4,
        bigEndian32(id),
      );
    writer.nested(3, () => {
      for (const { key, data } of elements) {
        writer.nested(1, () => {
          writer.nested(1, () => writer.attribute(1, key));
          data?.(writer);
        });
      }
    });
  }

  /**
   * Applies the batch in the network namespace `connection` was opened in.
   * @throws SystemError naming the step that was refused; nothing has changed then
   */
  apply(connection: NetlinkConnection): void {
    // Refusals come for any message. Kernels before 6.10 acknowledge no end of a batch, so the last step asks.
    const last = this.#writer.askAcknowledgement().sequence;
    this.#writer.begin(BATCH_END, 0, [0, 0, 0, SUBSYSTEM]);
    try {
      connection.request(this.#writer, `nf_tables, table ${this.table}`, last);
    } catch (error) {
      const sequence = (error as { sequence?: number }).sequence;
      const step = sequence === undefined ? undefined : this.#steps[sequence - 1];
      if (!(error instanceof SystemError) || step === undefined) throw error;
      throw new SystemError("nf_tables", error.number, step);
    }
  }
}

/** Opens nf_tables in the calling thread's network namespace. */
export function openNftables(): NetlinkConnection {
  return new NetlinkConnection(NETLINK_NETFILTER);
}

/** What a user needs to know about an nf_tables failure: what is missing, why it is needed, how to get it. */
export function explainNftables(error: unknown): string {
  const EPROTONOSUPPORT = 93, EAFNOSUPPORT = 97;
  if (!(error instanceof SystemError)) return error instanceof Error ? error.message : String(error);
  if (error.number === EPERM) {
    return "redirecting connections needs CAP_NET_ADMIN in this network namespace: give the container that " +
      "capability, or run in a namespace of your own (unshare --user --map-root-user --net)";
  }
  if ([EPROTONOSUPPORT, EAFNOSUPPORT, EOPNOTSUPP, ENOENT].includes(error.number)) {
    return `this kernel lacks a part of nf_tables that redirecting connections needs (${error.message}): load the ` +
      "modules nf_tables, nft_chain_nat, nft_redir and nft_nat, or use a kernel that has them";
  }
  return error.message;
}
