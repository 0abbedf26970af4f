/** What one run costs: processor time from schedstat, latency from wrk, private memory from smaps_rollup. */
import { CLIENT_IP, type Environment } from "./environment.ts";
import type { Candidate } from "./candidate.ts";
import { h2load } from "./h2load.ts";
import { type OpenLoop, openLoop } from "./open_loop.ts";

export interface Sample {
  readonly cpuMicroseconds: number;
  /** The same for each process alone. */
  readonly sideMicroseconds: readonly number[];
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly busyKib: number;
  readonly failures: number;
  /** Milliseconds at the fixed rate; undefined where fortio is not to be had. */
  readonly open: OpenLoop | undefined;
}

export interface Figures extends Omit<Sample, "open"> {
  readonly openP50: number | undefined;
  readonly openP99: number | undefined;
  readonly idleKib: number;
}

/** Nanoseconds on a processor of every thread of the processes. */
export function processorTime(pids: readonly number[]): number {
  let sum = 0;
  for (const pid of pids) {
    for (const task of Deno.readDirSync(`/proc/${pid}/task`)) {
      sum += Number(Deno.readTextFileSync(`/proc/${pid}/task/${task.name}/schedstat`).split(" ")[0]);
    }
  }
  return sum;
}

/** KiB of memory that only these processes hold. */
export function privateMemory(pids: readonly number[]): number {
  let sum = 0;
  for (const pid of pids) {
    const text = Deno.readTextFileSync(`/proc/${pid}/smaps_rollup`);
    for (const [, size] of text.matchAll(/^Private_(?:Clean|Dirty):\s+(\d+) kB/gm)) sum += Number(size);
  }
  return sum;
}

/** Milliseconds of a duration as wrk writes it, such as `812.00us`. */
export function milliseconds(text: string): number {
  const [, value, unit] = /^([\d.]+)(us|ms|s|m)$/.exec(text) ?? [];
  const scale = { us: 0.001, ms: 1, s: 1000, m: 60_000 }[unit ?? ""];
  if (value === undefined || scale === undefined) throw new Error(`no duration of wrk: ${text}`);
  return Number(value) * scale;
}

/** The numbers of wrk's report. @throws when it is not a report or counts no request */
export function parseReport(text: string) {
  const find = (pattern: RegExp): string => {
    const found = pattern.exec(text)?.[1];
    if (found === undefined) throw new Error(`wrk reports no ${pattern.source}: ${text}`);
    return found;
  };
  const requests = Number(find(/(\d+) requests in/));
  if (requests === 0) throw new Error("no request was answered");
  const errors = /Socket errors:(.*)/.exec(text)?.[1] ?? "",
    refused = /Non-2xx.*?:\s*(\d+)/.exec(text)?.[1] ?? "0";
  return {
    requests,
    perSecond: Number(find(/Requests\/sec:\s+([\d.]+)/)),
    p50: milliseconds(find(/^\s*50%\s+(\S+)/m)),
    p99: milliseconds(find(/^\s*99%\s+(\S+)/m)),
    failures: [refused, ...(errors.match(/\d+/g) ?? [])].reduce((sum, count) => sum + Number(count), 0),
  };
}

/** wrk: 1 thread, 32 connections, or a new one for each request. */
async function wrk(environment: Environment, port: number, seconds: number, isNewEach: boolean) {
  const url = `http://${CLIENT_IP}:${port}/`, limit = ["timeout", String(seconds + 20)];
  const header = isNewEach ? ["-H", "Connection: close"] : [];
  const argv = ["wrk", "-t1", "-c32", `-d${seconds}`, "--latency", ...header, url];
  return parseReport(await environment.output("client", ...limit, ...argv));
}

/** One run at full load, then one at a fixed rate (HTTP/1 only), against a port of the client's namespace. */
export async function sample(
  environment: Environment,
  { port, pids, figure }: Candidate,
  seconds: number,
  fortio: string | undefined,
): Promise<Sample> {
  const isHttp2 = figure === "http2" || figure === "grpc", isNewEach = figure === "handshake";
  const before = pids.map((pid) => processorTime([pid]));
  const load = isHttp2
    ? h2load(environment, port, seconds, figure === "grpc")
    : wrk(environment, port, seconds, isNewEach);
  let busyKib = 0;
  const timer = setTimeout(() => busyKib = privateMemory(pids), seconds * 700);
  const { requests, ...report } = await load.finally(() => clearTimeout(timer));
  const sideMicroseconds = pids.map((pid, side) => (processorTime([pid]) - before[side]!) / requests / 1000);
  const cpuMicroseconds = sideMicroseconds.reduce((sum, micros) => sum + micros, 0);
  const open = fortio === undefined || isHttp2 || isNewEach
    ? undefined
    : await openLoop(environment, fortio, port, seconds);
  const failures = report.failures + (open?.openFailures ?? 0);
  return { ...report, failures, cpuMicroseconds, sideMicroseconds, busyKib, open };
}

/** The middle value; of an even count the mean of the two. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right), middle = sorted.length >> 1;
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2;
}

/** The median of every figure; failures are summed. */
export function medians(samples: readonly Sample[], idleKib: number): Figures {
  const of = (pick: (sample: Sample) => number) => median(samples.map(pick));
  return {
    cpuMicroseconds: of((sample) => sample.cpuMicroseconds),
    sideMicroseconds: (samples[0]?.sideMicroseconds ?? []).map((_, side) =>
      of((sample) => sample.sideMicroseconds[side] ?? 0)
    ),
    perSecond: of((sample) => sample.perSecond),
    p50: of((sample) => sample.p50),
    p99: of((sample) => sample.p99),
    busyKib: of((sample) => sample.busyKib),
    failures: samples.reduce((sum, sample) => sum + sample.failures, 0),
    idleKib,
    openP50: openMedian(samples, (open) => open.openP50),
    openP99: openMedian(samples, (open) => open.openP99),
  };
}

function openMedian(samples: readonly Sample[], pick: (open: OpenLoop) => number): number | undefined {
  const values = samples.flatMap(({ open }) => open === undefined ? [] : [pick(open)]);
  return values.length === 0 ? undefined : median(values);
}
