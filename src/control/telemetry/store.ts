/**
 * Flows and what was counted on them, in SQLite: fine steps for minutes, 10 s steps for an hour, minutes beyond.
 *
 * Samples are increments, so that any range is a sum. Rolling up and forgetting are one statement each; the memory used
 * is bounded by the number of flows, which is bounded per pod, times the steps kept.
 */
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { BUCKETS } from "./histogram.ts";

/** What is kept: by which dimensions, and what is counted of each combination of them, a flow. */
export interface Shape<Dimension extends string, Counter extends string> {
  /** What the names of its tables begin with: several shapes may share a file. */
  readonly prefix: string;
  readonly dimensions: readonly Dimension[];
  /** What is counted beside latencies; `success` and `failure` are among it. */
  readonly counters: readonly Counter[];
  /** Not counted, but how many there are now. */
  readonly gauge?: Counter;
  /** Told beside the sums of counters: SQL over flows (f) and samples (s), each with its name. */
  readonly sums?: readonly string[];
}

export type Dimensions<Dimension extends string> = { readonly [Name in Dimension]: string };

export interface Sample<Counter extends string> {
  readonly counts: Record<Counter, number>;
  /** Responses per latency bucket, not cumulative. */
  readonly latency: number[];
}

/** What one scrape adds to a flow. */
export interface FlowSample<Counter extends string> {
  readonly flow: number;
  readonly sample: Sample<Counter>;
  /** Counted since the proxy started, where that is more than the sample: before this component ran. */
  success: number;
  failure: number;
}

export const LATENCY_COLUMNS = Array.from({ length: BUCKETS }, (_, at) => `b${at}`);

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

export class Store<Dimension extends string, Counter extends string> {
  readonly #database: DatabaseSync;
  readonly shape: Shape<Dimension, Counter>;
  /** The columns of a sample. */
  readonly #values: readonly string[];
  readonly #sums: string;
  readonly #retentionMs: number;
  readonly #flows = new Map<string, number>();
  readonly #insert: StatementSync;
  readonly #insertFlow: StatementSync;
  readonly #addTotal: StatementSync;
  /** Up to when samples were rolled up into each table. */
  readonly #rolled = new Map<string, number>();

  constructor(shape: Shape<Dimension, Counter>, options: StoreOptions) {
    const values = [...shape.counters, ...LATENCY_COLUMNS];
    this.shape = shape;
    this.#values = values;
    this.#sums = [...values.map((one) => `SUM(s.${one}) AS ${one}`), ...shape.sums ?? []].join(", ");
    this.#retentionMs = options.retentionMs;
    this.#database = new DatabaseSync(options.path);
    this.#database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA temp_store = MEMORY;");
    const names = shape.dimensions.join(", "), flow = this.#table("flow"), fine = this.#table("fine");
    this.#database.exec(`CREATE TABLE IF NOT EXISTS ${flow} (
      id INTEGER PRIMARY KEY, ${shape.dimensions.map((one) => `${one} TEXT NOT NULL`).join(", ")},
      totalSuccess INTEGER NOT NULL DEFAULT 0, totalFailure INTEGER NOT NULL DEFAULT 0,
      open INTEGER NOT NULL DEFAULT 0, lastAt INTEGER NOT NULL DEFAULT 0, UNIQUE (${names}))`);
    for (const { name } of TABLES) {
      this.#database.exec(
        `CREATE TABLE IF NOT EXISTS ${this.#table(name)} (at INTEGER NOT NULL, flow INTEGER NOT NULL, ${
          values.map((one) => `${one} INTEGER NOT NULL`).join(", ")
        }, PRIMARY KEY (at, flow)) WITHOUT ROWID`,
      );
    }
    // Proxies that still run are read whole again; counting on from a former life would count twice.
    this.#database.exec(`UPDATE ${flow} SET totalSuccess = 0, totalFailure = 0, open = 0`);
    for (const row of this.#database.prepare(`SELECT * FROM ${flow}`).all()) {
      this.#flows.set(this.#keyOf(row as unknown as Dimensions<Dimension>), Number(row.id));
    }
    const unknowns = (count: number) => Array(count).fill("?").join(", ");
    this.#insert = this.#database.prepare(
      `INSERT INTO ${fine} (at, flow, ${values.join(", ")}) VALUES (${unknowns(values.length + 2)})
       ON CONFLICT DO UPDATE SET ${values.map((one) => `${one} = ${one} + excluded.${one}`).join(", ")}`,
    );
    this.#insertFlow = this.#database.prepare(
      `INSERT INTO ${flow} (${names}) VALUES (${unknowns(shape.dimensions.length)})`,
    );
    this.#addTotal = this.#database.prepare(
      `UPDATE ${flow} SET totalSuccess = totalSuccess + ?, totalFailure = totalFailure + ?, open = ?,
       lastAt = ? WHERE id = ?`,
    );
  }

  #table(name: string): string {
    return this.shape.prefix + name;
  }

  /** Equal for flows that are the same. */
  #keyOf(dimensions: Dimensions<Dimension>): string {
    return this.shape.dimensions.map((dimension) => dimensions[dimension]).join("\n");
  }

  emptySample(): Sample<Counter> {
    const counts = Object.fromEntries(this.shape.counters.map((one) => [one, 0])) as Record<Counter, number>;
    return { counts, latency: Array(BUCKETS).fill(0) };
  }

  /** The number of a flow, made at its first sight. */
  flow(dimensions: Dimensions<Dimension>): number {
    const key = this.#keyOf(dimensions);
    let id = this.#flows.get(key);
    if (id === undefined) {
      const values = this.shape.dimensions.map((one) => dimensions[one]);
      id = Number(this.#insertFlow.run(...values).lastInsertRowid);
      this.#flows.set(key, id);
    }
    return id;
  }

  get flows(): number {
    return this.#flows.size;
  }

  /** Adds what one scrape found. */
  add(at: number, samples: Iterable<FlowSample<Counter>>): void {
    const { counters, gauge } = this.shape;
    this.transaction(() => {
      for (const { flow, sample: { counts, latency }, success, failure } of samples) {
        this.#addTotal.run(success, failure, gauge === undefined ? 0 : counts[gauge], at, flow);
        if (counters.every((counter) => counts[counter] === 0)) continue;
        this.#insert.run(at, flow, ...counters.map((counter) => counts[counter]), ...latency);
      }
    });
  }

  /** A pod that is gone has no open connections. */
  closePod(namespace: string, pod: string): void {
    this.#database.prepare(`UPDATE ${this.#table("flow")} SET open = 0 WHERE namespace = ? AND pod = ?`)
      .run(namespace, pod);
  }

  /** Rolls up what is complete and forgets what is old. */
  maintain(now: number): void {
    this.transaction(() => {
      for (let at = 1; at < TABLES.length; at++) {
        const { name, stepMs } = TABLES[at]!;
        const finer = this.#table(TABLES[at - 1]!.name);
        const until = Math.floor(now / stepMs) * stepMs;
        const from = this.#rolled.get(name) ?? 0;
        if (until <= from) continue;
        // A step's samples stand at its end, as a scrape's do. Gauges are averaged.
        const { gauge } = this.shape;
        const sums = this.#values.map((one) =>
          one === gauge ? `CAST(AVG(${one}) AS INTEGER)` : `SUM(${one})`
        );
        this.#database.prepare(
          `INSERT OR REPLACE INTO ${this.#table(name)} (at, flow, ${this.#values.join(", ")})
           SELECT ((at + ${stepMs} - 1) / ${stepMs}) * ${stepMs} AS step, flow, ${sums.join(", ")}
           FROM ${finer} WHERE at > ? AND at <= ? GROUP BY step, flow`,
        ).run(from, until);
        this.#rolled.set(name, until);
      }
      for (const { name, keepMs } of TABLES) {
        const age = Math.min(keepMs, this.#retentionMs);
        this.#database.prepare(`DELETE FROM ${this.#table(name)} WHERE at <= ?`).run(now - age);
      }
      const flow = this.#table("flow"), oldest = now - this.#retentionMs;
      for (const row of this.#database.prepare(`SELECT * FROM ${flow} WHERE lastAt < ?`).all(oldest)) {
        this.#flows.delete(this.#keyOf(row as unknown as Dimensions<Dimension>));
      }
      this.#database.prepare(`DELETE FROM ${flow} WHERE lastAt < ?`).run(oldest);
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
        parts.push({ table: this.#table(name), from: start, until: end });
        return;
      }
      const finer = TABLES[level - 1]!;
      const first = Math.ceil(start / stepMs) * stepMs;
      const last = Math.min(Math.floor(end / stepMs) * stepMs, this.#rolled.get(name) ?? 0);
      if (last <= first) return read(level - 1, start, end);
      // What the finer table has forgotten, the step that covers it still tells, if roughly.
      const isRemembered = until - start <= Math.min(finer.keepMs, this.#retentionMs);
      if (isRemembered) read(level - 1, start, first);
      parts.push({ table: this.#table(name), from: isRemembered ? first : first - stepMs, until: last });
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
      `SELECT ${query.select}, ${this.#sums} FROM (${union}) s JOIN ${this.#table("flow")} f ON f.id = s.flow
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
         FROM (${union.join(" UNION ALL ")}) s JOIN ${this.#table("flow")} f ON f.id = s.flow
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
       SUM(f.open) AS openNow FROM ${this.#table("flow")} f WHERE ${query.where} GROUP BY ${query.group}`,
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
