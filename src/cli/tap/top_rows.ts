/** Events of a tap added up: by who asked whom for what. Bounded, whatever paths there are. */
import { type TapDuration, type TapEventRecord, tapName, tapRequestKey } from "../../mesh/tap.ts";
import { printable } from "./format.ts";

export interface TopRow {
  readonly source: string;
  readonly destination: string;
  readonly method: string;
  readonly path: string;
  count: number;
  /** Microseconds until the response began; undefined before one did. */
  best: number | undefined;
  worst: number | undefined;
  last: number | undefined;
  success: number;
}

/** Rows, and requests under way, that are kept: the oldest go first. */
const MAX_ROWS = 5000, MAX_OPEN = 10_000;

interface Open {
  readonly row: TopRow;
  status: number;
  micros: number;
}

function micros({ seconds, nanos }: TapDuration): number {
  return seconds * 1_000_000 + nanos / 1000;
}

function forgetOldest<Key, Value>(map: Map<Key, Value>, most: number): void {
  if (map.size <= most) return;
  for (const key of map.keys()) {
    map.delete(key);
    return;
  }
}

export class TopRows {
  readonly #rows = new Map<string, TopRow>();
  readonly #open = new Map<string, Open>();

  /** Pods that are observed, as `namespace/name`. */
  observed: ReadonlySet<string> = new Set();

  /**
   * @param hasSources requests of different sources are kept apart
   * @param isOutboundAlone only clients' proxies tell: what they ask of each other is told once
   */
  constructor(private readonly hasSources: boolean, private readonly isOutboundAlone: boolean) {}

  /** A request between two pods that are observed is told by both: it counts where it arrives. */
  #isTold({ proxyDirection, destination: { metadata } }: TapEventRecord): boolean {
    return proxyDirection === "INBOUND" || this.isOutboundAlone ||
      !this.observed.has(`${metadata["namespace"]}/${metadata["pod"]}`);
  }

  take(event: TapEventRecord): void {
    if (!this.#isTold(event)) return;
    const { requestInitEvent: request, responseInitEvent: response, responseEndEvent: end } = event;
    const key = tapRequestKey(event);
    if (request !== undefined) {
      const row = this.#rowOf(event, request.method, request.path);
      this.#open.set(key, { row, status: 0, micros: 0 });
      return forgetOldest(this.#open, MAX_OPEN);
    }
    if (response !== undefined) {
      const open = this.#open.get(key);
      if (open === undefined) return;
      open.status = response.httpStatus;
      open.micros = micros(response.sinceRequestInit);
      return;
    }
    if (end === undefined) return;
    const open = this.#open.get(key);
    if (open === undefined) return;
    this.#open.delete(key);
    const { row, status } = open, grpc = end.grpcStatusCode ?? 0;
    row.count++;
    if (status > 0 && status < 500 && grpc === 0 && end.resetErrorCode === undefined) row.success++;
    if (status === 0) return; // it ended before a response began
    row.last = open.micros;
    row.best = Math.min(row.best ?? Infinity, open.micros);
    row.worst = Math.max(row.worst ?? 0, open.micros);
  }

  #rowOf(event: TapEventRecord, method: string, path: string): TopRow {
    const source = this.hasSources ? tapName(event.source) : "", destination = tapName(event.destination);
    const key = JSON.stringify([source, destination, method, path]);
    let row = this.#rows.get(key);
    if (row === undefined) {
      row = {
        source,
        destination,
        method: printable(method),
        path: printable(path),
        count: 0,
        best: undefined,
        worst: undefined,
        last: undefined,
        success: 0,
      };
      this.#rows.set(key, row);
      forgetOldest(this.#rows, MAX_ROWS);
    }
    return row;
  }

  /** Rows with a request that has ended, the most frequent first. */
  sorted(): TopRow[] {
    return [...this.#rows.values()].filter(({ count }) => count > 0)
      .sort((a, b) => b.count - a.count || (a.path < b.path ? -1 : 1));
  }
}
