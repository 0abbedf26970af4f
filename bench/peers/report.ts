/** The written result: a table of what was measured, ratios to the peers, and the same as JSON rows. */
import type { Candidate } from "./candidate.ts";
import type { Figures } from "./measure.ts";

export interface Result {
  readonly candidate: Candidate;
  readonly figures: Figures;
}

/** One of our figures beside the same one of a peer; `ratio` is ours divided by theirs. */
export interface Comparison {
  readonly figure: string;
  readonly unit: string;
  readonly ours: number;
  readonly peer: string;
  readonly theirs: number;
  readonly ratio: number;
}

const KINDS:
  readonly (readonly [name: string, unit: string, pick: (figures: Figures) => number | undefined])[] = [
    ["CPU per request", "µs", (figures) => figures.cpuMicroseconds],
    ["requests", "1/s", (figures) => figures.perSecond],
    ["p50", "ms", (figures) => figures.p50],
    ["p99", "ms", (figures) => figures.p99],
    ["p50 at 1,000/s", "ms", (figures) => figures.openP50],
    ["p99 at 1,000/s", "ms", (figures) => figures.openP99],
    ["private memory, idle", "MiB", (figures) => figures.idleKib / 1024],
    ["private memory, busy", "MiB", (figures) => figures.busyKib / 1024],
  ];

/** New TLS connections a second that one processor takes, as far as the proxy beside the server goes. */
function handshakesPerSecond({ sideMicroseconds }: Figures): number {
  return 1e6 / (sideMicroseconds.at(-1) ?? NaN);
}

function round(value: number): number {
  return Number(value.toFixed(3));
}

/** Every figure of ours beside every peer of the same kind. */
export function compare(results: readonly Result[]): Comparison[] {
  const rows: Comparison[] = [];
  for (const own of results.filter(({ candidate }) => candidate.isOurs)) {
    const peers = results.filter(({ candidate }) =>
      !candidate.isOurs && candidate.figure === own.candidate.figure
    );
    for (const peer of peers) {
      const isHandshake = own.candidate.figure === "handshake";
      const accepted = ["accepted a second and processor", "1/s", handshakesPerSecond] as const;
      for (const [name, unit, pick] of isHandshake ? [...KINDS, accepted] : KINDS) {
        const ours = pick(own.figures), theirs = pick(peer.figures);
        if (ours === undefined || theirs === undefined) continue;
        rows.push({
          figure: `${own.candidate.figure}: ${name}`,
          unit,
          ours: round(ours),
          peer: peer.candidate.name,
          theirs: round(theirs),
          ratio: round(ours / theirs),
        });
      }
    }
  }
  return rows;
}

/** A Markdown table. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const rule = head.map((_, index) => index === 0 ? "---" : "---:");
  return [line(head), line(rule), ...rows.map(line)].join("\n");
}

function resultTable(results: readonly Result[]): string {
  const head = ["candidate", ...KINDS.map(([name, unit]) => `${name} (${unit})`), "failed"];
  const cells = ({ candidate, figures }: Result) => [
    candidate.name,
    ...KINDS.map(([, unit, pick]) =>
      pick(figures)?.toFixed(unit === "1/s" ? 0 : unit === "ms" ? 2 : 1) ?? "skipped"
    ),
    String(figures.failures),
  ];
  return table(head, results.map(cells));
}

/** Of what opens a new connection for each request: what each side spends, and how many one processor accepts. */
function handshakeSection(results: readonly Result[]): string {
  const rows = results.filter(({ candidate }) => candidate.figure === "handshake");
  if (rows.length === 0) return "";
  const own = rows.find(({ candidate }) => candidate.isOurs);
  const head = ["connections, each new", "connecting side (µs)", "accepting side (µs)"];
  const cells = ({ candidate, figures }: Result) => [
    candidate.name,
    ...figures.sideMicroseconds.map((micros) => micros.toFixed(0)),
    handshakesPerSecond(figures).toFixed(0),
    own === undefined ? "" : (handshakesPerSecond(own.figures) / handshakesPerSecond(figures)).toFixed(2),
  ];
  const columns = [...head, "accepted a second and processor", "ours divided by it"];
  return `
## New TLS connections

A request each on a connection of its own, opaque, through a pair: both sides agree on TLS 1.3 anew, both show
certificates, and nothing is resumed.

${table(columns, rows.map(cells))}
`;
}

function ratioTable(comparisons: readonly Comparison[]): string {
  const peers = [...new Set(comparisons.map(({ peer }) => peer))];
  const rows = peers.map((peer) => {
    const of = comparisons.filter((row) => row.peer === peer);
    const cell = (name: string) =>
      of.find(({ figure }) => figure.endsWith(`: ${name}`))?.ratio.toFixed(2) ?? "";
    return [`${of[0]?.figure.split(":")[0]}: ${peer}`, ...KINDS.map(([name]) => cell(name))];
  });
  return table(["ours divided by", ...KINDS.map(([name]) => name)], rows);
}

function machine(): string {
  const model = /^model name\s*:\s*(.*)$/m.exec(Deno.readTextFileSync("/proc/cpuinfo"))?.[1] ??
    Deno.build.arch;
  const gibibytes = (Deno.systemMemoryInfo().total / 2 ** 30).toFixed(0);
  return `${model}, ${navigator.hardwareConcurrency} processors, ${gibibytes} GiB`;
}

export interface Run {
  readonly rounds: number;
  readonly seconds: number;
  readonly versions: readonly string[];
  /** Load averages of the machine before and after, which tell of other work on it. */
  readonly loads: readonly [before: number, after: number];
}

/** The text of RESULTS.md. `micro` is the table of the smallest pieces. */
export function report(results: readonly Result[], run: Run, micro: string): string {
  return `# Results

Written by \`deno run -A bench/peers.ts\`; what the figures mean is in [README.md](README.md).

- Date: ${new Date().toISOString().slice(0, 10)}
- Machine: ${machine()}
- Kernel: ${Deno.osRelease()}
- Versions: ${run.versions.join(", ")}
- Load: ${run.rounds} interleaved rounds of ${run.seconds} s, \`wrk -t1 -c32\` (HTTP/2 and gRPC pairs: \`h2load -c10 -m10\`),
  then fortio at 1,000 requests/s over 50 connections, after a warm-up of 2 s each; medians
- Load average of the machine: ${run.loads[0].toFixed(1)} before, ${run.loads[1].toFixed(1)} after

## Beside the peers

${resultTable(results)}

CPU and memory of a pair are both sides together.

${ratioTable(compare(results))}
${handshakeSection(results)}
## The smallest pieces

Batches of a thousand calls: the fastest is what the code takes while nobody else has the processor, which on a
shared machine doubles the mean.

${micro}
`;
}
