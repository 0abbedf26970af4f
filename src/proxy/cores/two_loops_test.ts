import { deepEqual, equal, ok } from "node:assert/strict";
import { ObserveRequest, TapEvent } from "../../../proto/gen/tap.ts";
import type { TapHub } from "../tap/hub.ts";
import { EVERYTHING } from "../testing/tap_client.ts";
import { snapshotFor, type TwoLoops, withTwoLoops } from "../testing/two_loops.ts";
import { CLIENT } from "../testing/meshed_pair.ts";

const REQUEST = new TextEncoder().encode("GET / HTTP/1.1\r\nhost: web.shop\r\n\r\n");

/** A connection that asks once each time; the kernel picks the loop that serves it. */
class Client {
  private constructor(private readonly connection: Deno.TcpConn) {}

  static async connect(port: number): Promise<Client> {
    return new Client(await Deno.connect({ hostname: "127.0.0.1", port }));
  }

  /** @returns the response; undefined when the connection ended instead */
  async ask(): Promise<string | undefined> {
    try {
      await this.connection.write(REQUEST);
      let text = "";
      const buffer = new Uint8Array(4096);
      for (;;) {
        const count = await this.connection.read(buffer);
        if (count === null) return undefined;
        text += new TextDecoder().decode(buffer.subarray(0, count));
        if (/\r\n\r\n.*\n$/s.test(text)) return text;
      }
    } catch (error) {
      if (error instanceof Deno.errors.ConnectionReset || error instanceof Deno.errors.BrokenPipe) {
        return undefined;
      }
      throw error;
    }
  }

  close(): void {
    this.connection.close();
  }
}

/** So many that none of two loops is left out by chance (2⁻⁶³). */
const MANY = 64;

async function askMany(port: number, count = MANY): Promise<(string | undefined)[]> {
  const clients = await Promise.all(Array.from({ length: count }, () => Client.connect(port)));
  const answers = await Promise.all(clients.map((client) => client.ask()));
  for (const client of clients) client.close();
  return answers;
}

const isOk = (answer: string | undefined) => answer?.startsWith("HTTP/1.1 200") === true;
const hello = () => new Response("hello\n");

Deno.test("two loops carry traffic, and their metrics together are what was sent", async () => {
  await withTwoLoops(hello, async ({ port, total, ownRequests, control, shared }) => {
    equal((await askMany(port)).filter(isOk).length, MANY);
    equal(await total("request_total"), MANY);
    equal(await total("response_latency_ms_count"), MANY);
    equal(await total("response_total"), MANY);
    ok(ownRequests() > 0 && ownRequests() < MANY, `${ownRequests()} of ${MANY} on the main loop`);
    equal((await askMany(port)).filter(isOk).length, MANY);
    equal(await total("request_total"), 2 * MANY, "nothing is counted twice by a second scrape");
    equal(control.open, shared.size, "one watch for both loops");
  });
});

Deno.test("a renewed certificate reaches the worker, and nothing is refused meanwhile", async () => {
  const other = "other.shop.serviceaccount.identity.linkerd.cluster.local";
  const whoAsks = (request: Request) => new Response(`${request.headers.get("l5d-client-id")}\n`);
  await withTwoLoops(whoAsks, async ({ port, supervisor, authority, total }: TwoLoops) => {
    const names = async () => {
      const answers = await askMany(port);
      deepEqual(answers.filter((answer) => !isOk(answer)), []);
      return [...new Set(answers.map((answer) => answer!.trim().split("\n").at(-1)!))].sort();
    };
    deepEqual(await names(), [CLIENT]);
    supervisor.setIdentity(await snapshotFor(authority, other));
    await total("request_total"); // the worker has read what was sent before this question
    deepEqual(await names(), [CLIENT, other], "the main loop of this test keeps its own");
  }, { protocol: "opaque" });
});

for (const breaks of ["throws", "vanishes"] as const) {
  Deno.test(`a worker whose loop ${breaks} is started again, and requests go on`, async () => {
    await withTwoLoops(hello, async ({ port, total, logged, logs }) => {
      const first = await askMany(port), lost = first.filter((answer) => answer === undefined).length;
      ok(lost < MANY, "the main loop goes on");
      await logged("starting a worker again");
      await logged("worker ready", 2);
      ok(logs.some((line) => line.includes("a worker died") && /deliberate|thread is gone/.test(line)));
      equal((await askMany(port)).filter(isOk).length, MANY);
      equal(await total("proxy_worker_restarts_total"), 1);
      ok(await total("request_total") >= 2 * MANY - lost);
    }, { breaks: [breaks] });
  });
}

Deno.test("draining waits for the connections of every loop, and takes no new ones", async () => {
  await withTwoLoops(hello, async ({ port, supervisor, core }) => {
    const clients = await Promise.all(Array.from({ length: MANY }, () => Client.connect(port)));
    for (const client of clients) ok(isOk(await client.ask()));
    let isDrained = false;
    core.drain(false);
    const drained = new Promise<void>((done) =>
      supervisor.drain(false, () => {
        isDrained = true;
        done();
      })
    );
    equal(isDrained, false);
    const answers = await Promise.all(clients.map((client) => client.ask()));
    ok(
      answers.every((answer) => answer === undefined || /connection: close/i.test(answer)),
      String(answers[0]),
    );
    for (const client of clients) client.close();
    await drained;
    await Client.connect(port).then(
      () => ok(false, "a connection was taken"),
      (error) => ok(error instanceof Deno.errors.ConnectionRefused),
    );
  });
});

/** Observes everything, keeping every event that is told. */
function observe(taps: TapHub, limit: number) {
  const events: TapEvent[] = [], request = { limit, match: EVERYTHING, extract: undefined };
  const begun = taps.observe(ObserveRequest.encode(request).finish(), () => {
    if (!("call" in begun)) return;
    for (let event = begun.call.next(); event !== undefined; event = begun.call.next()) {
      events.push(TapEvent.decode(event));
    }
  });
  if (!("call" in begun)) throw new Error(begun.why);
  const steps = (step: string) => events.filter(({ event }) => event?.value.event?.$case === step);
  return { ...begun, events, steps };
}

Deno.test("a tap is told the requests of both loops, each to its end, and no more than its limit", async () => {
  await withTwoLoops(hello, async ({ port, taps, total, ownRequests }) => {
    const every = observe(taps, 1000), few = observe(taps, 5);
    await total("request_total"); // the worker has read what was sent before this question
    equal((await askMany(port)).filter(isOk).length, MANY);
    while (every.steps("responseEnd").length < MANY) await total("request_total");
    for (const step of ["requestInit", "responseInit", "responseEnd"]) equal(every.steps(step).length, MANY);
    const bases = every.steps("requestInit").map(({ event }) => event!.value.event!.value.id!.base);
    equal(new Set(bases).size, 2, "both loops told");
    const ofMain = bases.filter((base) => base === bases[0]).length;
    ok(
      [ownRequests(), MANY - ownRequests()].includes(ofMain),
      `${ofMain} of one loop, ${ownRequests()} counted`,
    );
    equal(few.steps("requestInit").length, 5);
    while (!few.call.isOver) await total("request_total");
    equal(few.steps("responseEnd").length, 5);
    every.stop();
    few.stop();
    await total("request_total");
    equal((await askMany(port)).filter(isOk).length, MANY);
    equal(every.steps("requestInit").length, MANY, "a tap that was ended is told nothing");
  });
});

Deno.test("a worker that is started again is tapped too, and what its predecessor had open is let go of", async () => {
  await withTwoLoops(hello, async ({ port, taps, total, logged }) => {
    const tap = observe(taps, 1_000_000);
    await askMany(port);
    await logged("worker ready", 2);
    await total("request_total");
    const before = tap.steps("requestInit").length;
    equal((await askMany(port)).filter(isOk).length, MANY);
    while (tap.steps("requestInit").length < before + MANY) await total("request_total");
    tap.stop();
  }, { breaks: ["throws"] });
});
