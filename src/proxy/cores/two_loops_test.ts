import { deepEqual, equal, ok } from "node:assert/strict";
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
