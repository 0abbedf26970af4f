/** What was counted by route in a window, for the resources of a query. */
import type { ResourceName } from "../../../mesh/api.ts";
import type { RoutesQuery } from "../../../mesh/route_api.ts";
import { compare } from "../inventory.ts";
import type { Side } from "../route_flow.ts";
import { coveredMs, type StatisticsContext, windowOf } from "./context.ts";
import { allOf, type Condition, type Row } from "./rows.ts";
import { routeSelection } from "./selection.ts";

/** Sums of a window, and how they become an answer. */
export class RouteSums {
  readonly at: number;
  readonly windowMs: number;
  readonly coveredMs: number;

  constructor(private readonly context: StatisticsContext, private readonly query: RoutesQuery) {
    this.windowMs = windowOf(context, query.window, "1m");
    this.at = context.now();
    this.coveredMs = coveredMs(context, this.windowMs, this.at);
  }

  get seconds(): number {
    return this.coveredMs / 1000;
  }

  /** @param others conditions beside those of the query */
  rows(side: Side, columns: readonly string[], others: readonly Condition[] = []): Row[] {
    const { context, query, at, windowMs } = this;
    const { namespace, name, conditions } = routeSelection(context, query);
    const names = columns.map((column) => `f.${column} AS ${column}`).join(", ");
    const group = Array.from({ length: columns.length + 2 }, (_, index) => index + 1).join(", ");
    const found = context.routes.sum({ from: at - windowMs, until: at }, {
      select: `${namespace} AS ofNamespace, ${name} AS ofName, ${names}`,
      ...allOf([{ sql: "f.side = ?", parameters: [side] }, ...conditions, ...others]),
      group,
    });
    return found.filter(hasTraffic)
      .sort((left, right) => compare(keyOf(left, columns), keyOf(right, columns)));
  }

  resource(row: Row): ResourceName {
    return { kind: this.query.kind, namespace: String(row.ofNamespace), name: String(row.ofName) };
  }

  answer<One>(rows: readonly One[]) {
    return { at: this.at, windowMs: this.windowMs, coveredMs: this.coveredMs, rows };
  }
}

/** Equal for rows of the same resource that are the same by these columns. */
export function keyOf(row: Row, columns: readonly string[]): string {
  return ["ofNamespace", "ofName", ...columns].map((column) => row[column]).join("\n");
}

function hasTraffic({ success, failure, timeouts, denied, retries }: Row): boolean {
  return Number(success) + Number(failure) + Number(timeouts) + Number(denied) + Number(retries) > 0;
}
