/**
 * The load generator: an open loop at a fixed rate, which counts what it saw. Its own counts are the yardstick that
 * the mesh's numbers are held against; they are served as JSON on /counts. POST /stop ends the requests, not the counts.
 */
import { terminated } from "./serve.ts";

export interface LoadOptions {
  readonly target: string;
  readonly perSecond: number;
  readonly countsPort: number;
}

export interface LoadCounts {
  requests: number;
  /** Responses by status; 0 for none at all. */
  statuses: Record<string, number>;
  /** What `/buy` got, by status: its payment fails one time in ten on purpose. */
  purchases: Record<string, number>;
  /** Failures that nobody intended: anything but 200, save a purchase's 503. */
  unexpected: number;
  /** The last few of these, for people. */
  examples: string[];
  startedAt: string;
}

const TICK_MS = 20, MAX_IN_FLIGHT = 256;

/** Resolves once the shop answers both of its pages: what fails before that is not counted against anybody. */
async function available(target: string): Promise<void> {
  for (let answers = 0; answers < 2;) {
    answers = 0;
    for (const path of ["/", "/buy"]) {
      const response = await fetch(target + path).catch(() => undefined);
      if (response?.status === 200) answers++;
      await response?.body?.cancel();
    }
    if (answers < 2) await new Promise((done) => setTimeout(done, 100));
  }
}

/** Requests the shop until terminated. */
export async function runLoad(options: LoadOptions): Promise<void> {
  const counts: LoadCounts = {
    requests: 0,
    statuses: {},
    purchases: {},
    unexpected: 0,
    examples: [],
    startedAt: new Date().toISOString(),
  };
  const server = Deno.serve(
    { port: options.countsPort, hostname: "0.0.0.0", onListen() {} },
    (request) => {
      const { pathname } = new URL(request.url);
      if (pathname === "/stop" && request.method === "POST") isStopped = true;
      return pathname === "/counts" || pathname === "/stop"
        ? Response.json({ ...counts, inFlight })
        : new Response("ok\n");
    },
  );
  let inFlight = 0, number = 0, isStopped = false;
  const one = async () => {
    const path = ++number % 3 === 0 ? "/buy" : "/";
    inFlight++;
    let status = 0, detail = "";
    try {
      const response = await fetch(options.target + path);
      const text = await response.text();
      status = response.status;
      detail = text.slice(0, 100).trim() || response.headers.get("l5d-proxy-error") || "";
    } catch (error) {
      detail = error instanceof Error ? error.message : String(error);
    }
    inFlight--;
    counts.requests++;
    counts.statuses[status] = (counts.statuses[status] ?? 0) + 1;
    if (path === "/buy") counts.purchases[status] = (counts.purchases[status] ?? 0) + 1;
    if (status === 200 || (path === "/buy" && status === 503 && detail.includes("closed"))) return;
    counts.unexpected++;
    counts.examples = [...counts.examples, `${new Date().toISOString()} ${path} ${status} ${detail}`].slice(
      -20,
    );
  };
  await available(options.target);
  counts.startedAt = new Date().toISOString();
  const startedAt = performance.now();
  let sent = 0;
  const timer = setInterval(() => {
    const due = Math.floor((performance.now() - startedAt) / 1000 * options.perSecond);
    while (sent < due) {
      sent++;
      if (!isStopped && inFlight < MAX_IN_FLIGHT) one();
    }
  }, TICK_MS);
  await terminated();
  clearInterval(timer);
  await server.shutdown();
}
