import assert from "node:assert/strict";
import type { Container, Probe } from "../../kube/kinds.ts";
import { type Action, type ProbeResult, runProbe } from "./probe.ts";
import { Prober } from "./prober.ts";

const container = (port: number): Container => ({
  name: "app",
  ports: [{ name: "http", containerPort: port }],
});
const probe = (action: Action, port: number, timeoutMs = 2000) =>
  runProbe(action, {
    address: "127.0.0.1",
    container: container(port),
    exec: (command) => Promise.resolve({ code: command[0] === "true" ? 0 : 3, output: "no\n" }),
  }, timeoutMs);

Deno.test("HTTP answers from 200 to 399 are good, others are not; headers and named ports are followed", async () => {
  const seen: string[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    const path = new URL(request.url).pathname;
    seen.push(`${path} ${request.headers.get("user-agent")} ${request.headers.get("x-a")}`);
    return new Response(null, { status: Number(path.slice(1)) });
  });
  const { port } = server.addr;
  const httpHeaders = [{ name: "X-A", value: "1" }];
  try {
    assert.deepEqual(await probe({ httpGet: { path: "/200", port: "http", httpHeaders } }, port), {
      isOk: true,
    });
    assert.deepEqual(await probe({ httpGet: { path: "302", port } }, port), { isOk: true });
    const bad = await probe({ httpGet: { path: "/503", port } }, port);
    assert.deepEqual(bad, { isOk: false, message: "HTTP probe failed with statuscode: 503" });
    assert.equal(seen[0], "/200 kube-probe/1.35 1");
    assert.deepEqual(await probe({ tcpSocket: { port: "http" } }, port), { isOk: true });
  } finally {
    await server.shutdown();
  }
});

Deno.test("silence, refusal, another protocol and an unknown port are failures that say what was seen", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  const message = async (result: Promise<ProbeResult>) => {
    const settled = await result;
    return settled.isOk ? "ok" : settled.message;
  };
  assert.match(await message(probe({ httpGet: { port } }, port, 50)), /no answer within 50 ms/);
  (await listener.accept()).close();
  const talking = probe({ httpGet: { port } }, port);
  const connection = await listener.accept();
  await connection.write(new TextEncoder().encode("220 mail ready\r\n"));
  assert.match(await message(talking), /does not answer in HTTP\/1/);
  connection.close();
  listener.close();
  assert.match(await message(probe({ tcpSocket: { port } }, port)), /refused/i);
  assert.match(await message(probe({ tcpSocket: { port: "grpc" } }, port)), /no port named "grpc"/);
  assert.equal(await message(probe({ exec: { command: ["true"] } }, port)), "ok");
  assert.equal(await message(probe({ exec: { command: ["false"] } }, port)), "command exited with 3: no");
});

/** Runs a prober in made-up time until `answers` are used up; says when it asked and what it decided. */
async function timeline(
  probe: Probe,
  isEager: boolean,
  answers: boolean[],
  answerAt?: (ms: number) => boolean,
) {
  let time = 0;
  const asked: number[] = [], verdicts: string[] = [], failures: number[] = [];
  await new Promise<void>((resolve) => {
    const holder: { prober?: Prober } = {};
    holder.prober = new Prober({
      probe,
      isEager,
      check: () => {
        asked.push(Math.round(time));
        const isOk = answerAt?.(time) ?? answers.shift() ?? true;
        return Promise.resolve(isOk ? { isOk } : { isOk, message: "no" });
      },
      onVerdict: (isOk) => verdicts.push(`${isOk} at ${Math.round(time)}`),
      onFailure: () => failures.push(Math.round(time)),
      wait: (ms) => {
        time += ms;
        if (answerAt === undefined ? answers.length === 0 : time > 20_000) {
          holder.prober?.stop();
          resolve();
        }
        return Promise.resolve();
      },
      now: () => time,
    });
  });
  return { asked, verdicts, failures };
}

Deno.test("a container that is up after 100 ms is known to be within 30 ms, whatever delay and period say", async () => {
  const probe = { initialDelaySeconds: 2, periodSeconds: 10 };
  const { verdicts, failures } = await timeline(probe, true, [], (ms) => ms >= 100);
  const at = Number(verdicts[0]?.replace("true at ", ""));
  assert.ok(at >= 100 && at < 130, verdicts.join());
  assert.deepEqual(failures, []);
});

Deno.test("failures count by the probe's own delay and period, however often it is asked", async () => {
  const probe = { initialDelaySeconds: 2, periodSeconds: 1, failureThreshold: 3 };
  const { asked, verdicts } = await timeline(probe, true, [], () => false);
  assert.ok(asked.length > 20);
  const at = Number(verdicts[0]?.replace("false at ", ""));
  assert.ok(at >= 4000 && at < 6500, verdicts.join());
});

Deno.test("liveness waits its delay and fails after as many failures in a row as it says", async () => {
  const probe = { initialDelaySeconds: 10, periodSeconds: 5, failureThreshold: 2 };
  const { asked, verdicts } = await timeline(probe, false, [true, false, true, false, false]);
  assert.deepEqual(asked, [10_000, 15_000, 20_000, 25_000, 30_000]);
  assert.deepEqual(verdicts, ["true at 10000", "false at 30000"]);
});

Deno.test("readiness comes back after as many successes in a row as it says", async () => {
  const probe = { periodSeconds: 1, failureThreshold: 1, successThreshold: 2 };
  const { verdicts } = await timeline(probe, false, [true, true, false, true, false, true, true]);
  assert.deepEqual(verdicts.map((text) => text.split(" ")[0]), ["true", "false", "true"]);
});
