/**
 * The proxy's diagnostic log: one line per event on stdout, plain or JSON, filtered by Linkerd's directives
 * (`warn,linkerd=info`). Lines are few by design; what happens per request is counted, not logged.
 * Source: proxy.md §1 (LOG, LOG_FORMAT), tracing-subscriber's directive syntax.
 */

const LEVELS = ["trace", "debug", "info", "warn", "error", "off"] as const;
export type Level = "trace" | "debug" | "info" | "warn" | "error";

/** The lowest level a filter lets through for the target `linkerd`; undefined when the filter does not parse. */
export function parseLogFilter(filter: string): number | undefined {
  let general = LEVELS.indexOf("error"), own: number | undefined;
  for (const directive of filter.split(",").map((part) => part.trim()).filter((part) => part !== "")) {
    const match = /^(?:([a-z0-9_:]+)(?:\[[^\]]*\])?=)?([a-z]+)$/i.exec(directive);
    const level = LEVELS.findIndex((name) => name === match?.[2]?.toLowerCase());
    if (match === null || level < 0) return undefined;
    if (match[1] === undefined) general = level;
    else if (match[1] === "linkerd" || match[1].startsWith("linkerd_") || match[1].startsWith("linkerd::")) {
      own = level;
    }
  }
  return own ?? general;
}

export class Log {
  #threshold: number;
  #filter: string;

  constructor(
    filter: string,
    private readonly format: "plain" | "json",
    private readonly write: (line: string) => void = (line) => console.log(line),
    private readonly now: () => number = Date.now,
  ) {
    this.#filter = filter;
    this.#threshold = parseLogFilter(filter) ?? LEVELS.indexOf("info");
  }

  get filter(): string {
    return this.#filter;
  }

  /** @returns false when the filter does not parse; the old one stays */
  setFilter(filter: string): boolean {
    const threshold = parseLogFilter(filter);
    if (threshold === undefined) return false;
    this.#filter = filter;
    this.#threshold = threshold;
    return true;
  }

  log(level: Level, message: string, fields: Readonly<Record<string, unknown>> = {}): void {
    if (LEVELS.indexOf(level) < this.#threshold) return;
    const timestamp = new Date(this.now()).toISOString();
    if (this.format === "json") {
      const fieldsOut = { message, ...fields };
      return this.write(
        JSON.stringify({ timestamp, level: level.toUpperCase(), fields: fieldsOut, target: "linkerd" }),
      );
    }
    const details = Object.entries(fields).map(([name, value]) => ` ${name}=${value}`).join("");
    this.write(`[${timestamp}] ${level.toUpperCase().padEnd(5)} linkerd: ${message}${details}`);
  }

  debug(message: string, fields?: Readonly<Record<string, unknown>>): void {
    this.log("debug", message, fields);
  }

  info(message: string, fields?: Readonly<Record<string, unknown>>): void {
    this.log("info", message, fields);
  }

  warn(message: string, fields?: Readonly<Record<string, unknown>>): void {
    this.log("warn", message, fields);
  }

  error(message: string, fields?: Readonly<Record<string, unknown>>): void {
    this.log("error", message, fields);
  }
}
