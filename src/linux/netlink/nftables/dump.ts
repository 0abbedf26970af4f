/** Reads back what is in nf_tables: enough for a check to say which rules are there. */
import type { NetlinkConnection } from "../connection.ts";
import { attributeList, MessageWriter, NLM_F_DUMP, parseAttributes, textOf } from "../message.ts";
import { FAMILIES, type Family, SUBSYSTEM } from "./batch.ts";

const GETTABLE = 1, GETCHAIN = 4, GETRULE = 7;
const HEADER = 4;

export interface RuleSummary {
  readonly table: string;
  readonly chain: string;
  /** Empty when it was given none. */
  readonly comment: string;
  /** Names of its expressions, in order: `meta`, `cmp`, `redir` ... */
  readonly expressions: readonly string[];
}

function dump(connection: NetlinkConnection, operation: number, family: Family, what: string) {
  const writer = new MessageWriter().begin(SUBSYSTEM << 8 | operation, NLM_F_DUMP, [
    FAMILIES[family],
    0,
    0,
    0,
  ]);
  return connection.dump(writer, what).map(({ payload }) => parseAttributes(payload.subarray(HEADER)));
}

const text = (attributes: Map<number, Uint8Array>, type: number) =>
  textOf(attributes.get(type) ?? new Uint8Array());

/** Names of the tables of a family. */
export function listTables(connection: NetlinkConnection, family: Family): string[] {
  return dump(connection, GETTABLE, family, "list tables").map((attributes) => text(attributes, 1));
}

/** Names of the chains of a table. */
export function listChains(connection: NetlinkConnection, family: Family, table: string): string[] {
  return dump(connection, GETCHAIN, family, "list chains").filter((attributes) =>
    text(attributes, 1) === table
  )
    .map((attributes) => text(attributes, 3));
}

/** Rules of a family in order, chain by chain. */
export function listRules(connection: NetlinkConnection, family: Family, table?: string): RuleSummary[] {
  return dump(connection, GETRULE, family, "list rules").map((attributes) => {
    const expressions = attributeList(attributes.get(4) ?? new Uint8Array())
      .map(([, element]) => text(parseAttributes(element), 1));
    const userdata = attributes.get(7);
    const comment = userdata === undefined || userdata[0] !== 0 ? "" : textOf(userdata.subarray(2));
    return { table: text(attributes, 1), chain: text(attributes, 2), comment, expressions };
  }).filter((rule) => table === undefined || rule.table === table);
}
