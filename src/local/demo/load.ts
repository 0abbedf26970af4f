/**
 * The load generator: an open loop at a fixed rate, which counts what it saw. Its own counts are the yardstick that
 * the mesh's numbers are held against; they are served as JSON on /counts. POST /stop ends the requests, not the counts.
 */
import { request } from "./request.ts";
import { terminated } from "./serve.ts";

export interface LoadOptions {
  readonly target: string;
  readonly perSecond: number;
  readonly countsPort: number;
}

export interface LoadCounts {
  requests: number;
  /** Requests before these, to see whether the shop answers yet: the mesh counted them too. */
  warmUps: number;
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

const TICK_MS = 20, MAX_IN_FLIGHT = 256, MAX_EXAMPLES = 100;

/** Resolves once the shop answers both of its pages: what fails before that is not counted against anybody. */
async function available(target: string, counts: LoadCounts): Promise<void> {
  for (let answers = 0; answers < 2;) {
    answers = 0;
    for (const path of ["/", "/buy"]) {
      counts.warmUps++;
      const response = await request(target + path).catch(() => undefined);
      if (response?.status === 200) answers++;
      await response?.body?.cancel();
    }
    if (answers < 2) await new Promise((done) => setTimeout(done, 100));
  }
}

/** What is left to tell of a response that says nothing itself. */
function headersOf(response: Response): string {
  return [...response.headers].map(([name, value]) => `${name}: ${value}`).join(", ");
}

/** Requests the shop until terminated. */
export async function runLoad(options: LoadOptions): Promise<void> {
  const counts: LoadCounts = {
    requests: 0,
    warmUps: 0,
    statuses: {},
    purchases: {},
    unexpected: 0,
    examples: [],
    startedAt: new Date().toISOString(),
  };
  const server = Deno.serve(
    { port: options.countsPort, hostname: "0.0.0.0", onListen() {} },
    ({ url, method }) => {
      const { pathname } = new URL(url);
      if (pathname === "/stop" && method === "POST") isStopped = true;
      return pathname === "/counts" || pathname === "/stop"
        ? Response.json({ ...counts, inFlight })
        : new Response("ok\n");
    },
  );
  let inFlight = 0, number = 0, isStopped = false;
  const one = async () => {
    const path = ++number % 3 === 0 ? "/buy" : "/";
    inFlight++;
    const sentAt = performance.now();
    let status = 0, detail = "";
    try {
      const response = await request(options.target + path);
      const text = await response.text();
      status = response.status;
      detail = text.slice(0, 300).trim() || response.headers.get("l5d-proxy-error") || headersOf(response);
    } catch (error) {
      detail = error instanceof Error ? error.message : String(error);
    }
    inFlight--;
    counts.requests++;
    counts.statuses[status] = (counts.statuses[status] ?? 0) + 1;
    if (path === "/buy") counts.purchases[status] = (counts.purchases[status] ?? 0) + 1;
    if (status === 200 || (path === "/buy" && status === 503 && detail.includes("closed"))) return;
    counts.unexpected++;
    const took = Math.round(performance.now() - sentAt);
    const example = `${new Date().toISOString()} ${path} ${status} after ${took} ms: ${detail}`;
    counts.examples = [...counts.examples, example].slice(-MAX_EXAMPLES);
  };
  await available(options.target, counts);
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
