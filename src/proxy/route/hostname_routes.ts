/**
 * Routes whose requests are counted by the host that they are for: stands in a route table's place where that is asked
 * for, so that where it is not, which is the default, nothing looks whether it is.
 * Source: proxy.md §13 (hostname).
 */
import type { DropMask } from "../http/pipeline.ts";
import { Head } from "../../wasm/http1.ts";
import type { HostnameLabels } from "../telemetry/hostname_labels.ts";
import type { Arena } from "../worker/arena.ts";
import type { DestinationRule } from "./destination_rule.ts";
import type { RouteTable } from "./route_table.ts";

/** What a destination asks its routes. */
export type RuleFinder = Pick<RouteTable<DestinationRule>, "find" | "prefixLength">;

export class HostnameRoutes implements RuleFinder {
  constructor(private readonly table: RuleFinder, private readonly hostnames: HostnameLabels) {}

  get prefixLength(): number {
    return this.table.prefixLength;
  }

  find(arena: Arena, at: number, drops: DropMask): DestinationRule | undefined {
    const rule = this.table.find(arena, at, drops);
    if (rule === undefined) return undefined;
    const { words } = arena.memory, record = arena.recordAt >> 2;
    const host = arena.readAscii(
      at + words[record + Head.AuthorityOffset]!,
      words[record + Head.AuthorityNameLength]!,
    );
    return rule.of(this.hostnames.of(host));
  }
}
