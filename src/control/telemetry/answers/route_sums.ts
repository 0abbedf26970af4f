/** What was counted by route in a window, for the resources of a query. */
import type { ResourceName } from "../../../mesh/api.ts";
import type { RoutesQuery } from "../../../mesh/route_api.ts";
import { compare } from "../inventory.ts";
import type { Side } from "../route_flow.ts";
import { coveredMs, type StatisticsContext, windowOf } from "./context.ts";
import { allOf, type Condition, type Row } from "./rows.ts";
import { routeSelection } from "./selection.ts";

/** Which flows, and what names their rows (SQL over a flow, alias f). */
interface Selection {
  readonly namespace: string;
  readonly name: string;
  readonly conditions: readonly Condition[];
}

/** Sums of a window, and how they become an answer. */
export class WindowSums {
  readonly at: number;
  readonly windowMs: number;
  readonly coveredMs: number;

  constructor(protected readonly context: StatisticsContext, window: string | undefined) {
    this.windowMs = windowOf(context, window, "1m");
    this.at = context.now();
    this.coveredMs = coveredMs(context, this.windowMs, this.at);
  }

  get seconds(): number {
    return this.coveredMs / 1000;
  }

  /** @param columns what tells rows apart beside their names */
  sum(side: Side, { namespace, name, conditions }: Selection, columns: readonly string[]): Row[] {
    const { context, at, windowMs } = this, names = columns.map((column) => `, f.${column} AS ${column}`);
    const group = Array.from({ length: columns.length + 2 }, (_, index) => index + 1).join(", ");
    const found = context.routes.sum({ from: at - windowMs, until: at }, {
      select: `${namespace} AS ofNamespace, ${name} AS ofName${names.join("")}`,
      ...allOf([{ sql: "f.side = ?", parameters: [side] }, ...conditions]),
      group,
    });
    return found.filter(hasTraffic)
      .sort((left, right) => compare(keyOf(left, columns), keyOf(right, columns)));
  }

  answer<One>(rows: readonly One[]) {
    return { at: this.at, windowMs: this.windowMs, coveredMs: this.coveredMs, rows };
  }
}

/** The same of workloads. */
export class RouteSums extends WindowSums {
  constructor(context: StatisticsContext, private readonly query: RoutesQuery) {
    super(context, query.window);
  }

  /** @param others conditions beside those of the query */
  rows(side: Side, columns: readonly string[], others: readonly Condition[] = []): Row[] {
    const { conditions, ...names } = routeSelection(this.context, this.query);
    return this.sum(side, { ...names, conditions: [...conditions, ...others] }, columns);
  }

  resource(row: Row): ResourceName {
    return { kind: this.query.kind, namespace: String(row.ofNamespace), name: String(row.ofName) };
  }
}

/** Equal for rows of the same resource that are the same by these columns. */
export function keyOf(row: Row, columns: readonly string[]): string {
  return ["ofNamespace", "ofName", ...columns].map((column) => row[column]).join("\n");
}

function hasTraffic({ success, failure, timeouts, denied, retries }: Row): boolean {
  return Number(success) + Number(failure) + Number(timeouts) + Number(denied) + Number(retries) > 0;
}
