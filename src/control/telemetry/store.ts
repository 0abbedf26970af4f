/**
 * Flows and what was counted on them, in SQLite: fine steps for minutes, 10 s steps for an hour, minutes beyond.
 *
 * Samples are increments, so that any range is a sum. Rolling up and forgetting are one statement each; the memory used
 * is bounded by the number of flows, which is bounded per pod, times the steps kept.
 */
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { DIMENSIONS, type FlowDimensions, flowKey } from "./flow.ts";
import { BUCKETS } from "./histogram.ts";

export interface Sample {
  success: number;
  failure: number;
  /** Connections opened, bytes read and written. */
  opened: number;
  read: number;
  written: number;
  /** Connections open now. */
  open: number;
  /** Responses per latency bucket, not cumulative. */
  readonly latency: number[];
}

export function emptySample(): Sample {
  return { success: 0, failure: 0, opened: 0, read: 0, written: 0, open: 0, latency: Array(BUCKETS).fill(0) };
}

const COLUMNS = ["success", "failure", "opened", "read", "written", "open"] as const;
export const LATENCY_COLUMNS = Array.from({ length: BUCKETS }, (_, at) => `b${at}`);
const VALUES = [...COLUMNS, ...LATENCY_COLUMNS];

/** Step and age of each table, finest first. */
const TABLES = [
  { name: "fine", stepMs: 0, keepMs: 6 * 60_000 },
  { name: "ten", stepMs: 10_000, keepMs: 65 * 60_000 },
  { name: "minute", stepMs: 60_000, keepMs: Infinity },
] as const;

export interface StoreOptions {
  /** `:memory:` or a file. */
  path: string;
  /** How long minutes, and flows of pods that are gone, are kept. */
  retentionMs: number;
}

/** Milliseconds since the epoch. */
export interface Range {
  readonly from: number;
  readonly until: number;
  /** Where it is asked for in steps: how long each is. */
  readonly stepMs?: number;
}

/** A part of a range and the table it is read from. */
interface Part {
  readonly table: string;
  readonly from: number;
  readonly until: number;
}

export class Store {
  readonly #database: DatabaseSync;
  readonly #retentionMs: number;
  readonly #flows = new Map<string, number>();
  readonly #insert: StatementSync;
  readonly #insertFlow: StatementSync;
  readonly #addTotal: StatementSync;
  /** Up to when samples were rolled up into each table. */
  readonly #rolled = new Map<string, number>();

  constructor(options: StoreOptions) {
    this.#retentionMs = options.retentionMs;
    this.#database = new DatabaseSync(options.path);
    this.#database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA temp_store = MEMORY;");
    this.#database.exec(`CREATE TABLE IF NOT EXISTS flow (
      id INTEGER PRIMARY KEY, ${DIMENSIONS.map((one) => `${one} TEXT NOT NULL`).join(", ")},
      totalSuccess INTEGER NOT NULL DEFAULT 0, totalFailure INTEGER NOT NULL DEFAULT 0,
      open INTEGER NOT NULL DEFAULT 0, lastAt INTEGER NOT NULL DEFAULT 0, UNIQUE (${
      DIMENSIONS.join(", ")
    }))`);
    for (const { name } of TABLES) {
      this.#database.exec(
        `CREATE TABLE IF NOT EXISTS ${name} (at INTEGER NOT NULL, flow INTEGER NOT NULL, ${
          VALUES.map((one) => `${one} INTEGER NOT NULL`).join(", ")
        }, PRIMARY KEY (at, flow)) WITHOUT ROWID`,
      );
    }
    // Proxies that still run are read whole again; counting on from a former life would count twice.
    this.#database.exec("UPDATE flow SET totalSuccess = 0, totalFailure = 0, open = 0");
    for (const row of this.#database.prepare("SELECT * FROM flow").all()) {
      this.#flows.set(flowKey(row as unknown as FlowDimensions), Number(row.id));
    }
    const unknowns = (count: number) => Array(count).fill("?").join(", ");
    this.#insert = this.#database.prepare(
      `INSERT INTO fine (at, flow, ${VALUES.join(", ")}) VALUES (${unknowns(VALUES.length + 2)})
       ON CONFLICT DO UPDATE SET ${VALUES.map((one) => `${one} = ${one} + excluded.${one}`).join(", ")}`,
    );
    this.#insertFlow = this.#database.prepare(
      `INSERT INTO flow (${DIMENSIONS.join(", ")}) VALUES (${unknowns(DIMENSIONS.length)})`,
    );
    this.#addTotal = this.#database.prepare(
      `UPDATE flow SET totalSuccess = totalSuccess + ?, totalFailure = totalFailure + ?, open = ?, lastAt = ?
       WHERE id = ?`,
    );
  }

  /** The number of a flow, made at its first sight. */
  flow(dimensions: FlowDimensions): number {
    const key = flowKey(dimensions);
    let id = this.#flows.get(key);
    if (id === undefined) {
      const values = DIMENSIONS.map((one) => dimensions[one]);
      id = Number(this.#insertFlow.run(...values).lastInsertRowid);
      this.#flows.set(key, id);
    }
    return id;
  }

  get flows(): number {
    return this.#flows.size;
  }

  /**
   * Adds what one scrape found.
   *
   * @param total counted since the proxy started, where that is more than the sample: before this component ran
   */
  add(
    at: number,
    samples: Iterable<{ flow: number; sample: Sample; success: number; failure: number }>,
  ): void {
    this.transaction(() => {
      for (const { flow, sample, success, failure } of samples) {
        this.#addTotal.run(success, failure, sample.open, at, flow);
        const isEmpty = COLUMNS.every((column) => sample[column] === 0);
        if (isEmpty) continue;
        this.#insert.run(at, flow, ...COLUMNS.map((column) => sample[column]), ...sample.latency);
      }
    });
  }

  /** A pod that is gone has no open connections. */
  closePod(namespace: string, pod: string): void {
    this.#database.prepare("UPDATE flow SET open = 0 WHERE namespace = ? AND pod = ?").run(namespace, pod);
  }

  /** Rolls up what is complete and forgets what is old. */
  maintain(now: number): void {
    this.transaction(() => {
      for (let at = 1; at < TABLES.length; at++) {
        const { name, stepMs } = TABLES[at]!;
        const finer = TABLES[at - 1]!.name;
        const until = Math.floor(now / stepMs) * stepMs;
        const from = this.#rolled.get(name) ?? 0;
        if (until <= from) continue;
        // A step's samples stand at its end, as a scrape's do. Gauges are averaged.
        const sums = VALUES.map((one) => one === "open" ? "CAST(AVG(open) AS INTEGER)" : `SUM(${one})`);
        this.#database.prepare(
          `INSERT OR REPLACE INTO ${name} (at, flow, ${VALUES.join(", ")})
           SELECT ((at + ${stepMs} - 1) / ${stepMs}) * ${stepMs} AS step, flow, ${sums.join(", ")}
           FROM ${finer} WHERE at > ? AND at <= ? GROUP BY step, flow`,
        ).run(from, until);
        this.#rolled.set(name, until);
      }
      for (const { name, keepMs } of TABLES) {
        const age = Math.min(keepMs, this.#retentionMs);
        this.#database.prepare(`DELETE FROM ${name} WHERE at <= ?`).run(now - age);
      }
      const forgotten = this.#database.prepare("SELECT * FROM flow WHERE lastAt < ?").all(
        now - this.#retentionMs,
      );
      for (const row of forgotten) this.#flows.delete(flowKey(row as unknown as FlowDimensions));
      this.#database.prepare("DELETE FROM flow WHERE lastAt < ?").run(now - this.#retentionMs);
    });
  }

  /** Where to read a range: whole coarse steps in its middle, finer ones at its ends, each sample once. */
  #parts({ from, until, stepMs }: Range): Part[] {
    const coarsest = this.#coarsest(until - from, stepMs);
    const parts: Part[] = [];
    const read = (level: number, start: number, end: number): void => {
      if (end <= start) return;
      const { name, stepMs } = TABLES[level]!;
      if (level === 0) {
        parts.push({ table: name, from: start, until: end });
        return;
      }
      const finer = TABLES[level - 1]!;
      const first = Math.ceil(start / stepMs) * stepMs;
      const last = Math.min(Math.floor(end / stepMs) * stepMs, this.#rolled.get(name) ?? 0);
      if (last <= first) return read(level - 1, start, end);
      // What the finer table has forgotten, the step that covers it still tells, if roughly.
      const isRemembered = until - start <= Math.min(finer.keepMs, this.#retentionMs);
      if (isRemembered) read(level - 1, start, first);
      parts.push({ table: name, from: isRemembered ? first : first - stepMs, until: last });
      read(level - 1, last, end);
    };
    read(coarsest, from, until);
    return parts;
  }

  /** The coarsest table for a range: never one whose steps do not fit into those asked for, where a finer one remembers. */
  #coarsest(span: number, stepMs: number | undefined): number {
    let level = span < 30_000 ? 0 : span <= 60 * 60_000 ? 1 : 2;
    const fits = () => stepMs === undefined || level === 0 || stepMs % TABLES[level]!.stepMs === 0;
    while (!fits() && span <= Math.min(TABLES[level - 1]!.keepMs, this.#retentionMs)) level--;
    return level;
  }

  /**
   * Sums over a range: `SELECT <select> ... GROUP BY <group>` over samples joined with their flows.
   *
   * @param select, where, group SQL over `flow` (alias f) and samples (alias s); `parameters` fill its `?`
   */
  sum(
    range: Range,
    query: { select: string; where: string; group: string; parameters: readonly (string | number)[] },
  ): Record<string, string | number>[] {
    const parts = this.#parts(range);
    if (parts.length === 0) return [];
    const union = parts.map(({ table }) => `SELECT * FROM ${table} WHERE at > ? AND at <= ?`).join(
      " UNION ALL ",
    );
    const bounds = parts.flatMap((part) => [part.from, part.until]);
    const statement = this.#database.prepare(
      `SELECT ${query.select}, ${SUMS} FROM (${union}) s JOIN flow f ON f.id = s.flow
       WHERE ${query.where} GROUP BY ${query.group}`,
    );
    return statement.all(...bounds, ...query.parameters) as Record<string, string | number>[];
  }

  /** Connections open in each step: the mean of a flow's samples, summed over flows. */
  openConnections(
    range: Range & { stepMs: number },
    query: { where: string; parameters: readonly (string | number)[] },
  ): Map<number, number> {
    const parts = this.#parts(range), { stepMs } = range;
    if (parts.length === 0) return new Map();
    const union = parts.map(({ table }) => `SELECT at, flow, open FROM ${table} WHERE at > ? AND at <= ?`);
    const rows = this.#database.prepare(
      `SELECT step, CAST(ROUND(SUM(mean)) AS INTEGER) AS open FROM (
         SELECT ((s.at + ${stepMs} - 1) / ${stepMs}) * ${stepMs} AS step, AVG(s.open) AS mean
         FROM (${union.join(" UNION ALL ")}) s JOIN flow f ON f.id = s.flow
         WHERE ${query.where} AND f.kind = 'tcp' GROUP BY step, s.flow) GROUP BY step`,
    ).all(...parts.flatMap((part) => [part.from, part.until]), ...query.parameters);
    return new Map(rows.map((row) => [Number(row.step), Number(row.open)]));
  }

  /** Totals and open connections, over flows alone. */
  totals(
    query: { select: string; where: string; group: string; parameters: readonly (string | number)[] },
  ): Record<string, string | number>[] {
    const statement = this.#database.prepare(
      `SELECT ${query.select}, SUM(f.totalSuccess) AS totalSuccess, SUM(f.totalFailure) AS totalFailure,
       SUM(f.open) AS openNow FROM flow f WHERE ${query.where} GROUP BY ${query.group}`,
    );
    return statement.all(...query.parameters) as Record<string, string | number>[];
  }

  transaction(work: () => void): void {
    this.#database.exec("BEGIN");
    try {
      work();
      this.#database.exec("COMMIT");
    } catch (error) {
      this.#database.exec("ROLLBACK");
      throw error;
    }
  }

  close(): void {
    this.#database.close();
  }
}

const SUMS = [
  ...VALUES.map((one) => `SUM(s.${one}) AS ${one}`),
  "SUM(CASE WHEN f.tls = 'true' THEN s.success + s.failure ELSE 0 END) AS secured",
].join(", ");
