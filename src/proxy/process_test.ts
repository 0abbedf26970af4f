import { equal, ok } from "node:assert/strict";
import { balanced, endpointAt } from "./testing/fake_control.ts";
import { TestAuthority } from "./testing/certificates.ts";
import { startControlServices } from "./testing/control_services.ts";
import { CLIENT, SERVER, startTestProxy } from "./testing/meshed_pair.ts";
import { type ProxyProcess, startProcess } from "./testing/process.ts";
import { startTapClient, TAP } from "./testing/tap_client.ts";

const authority = await TestAuthority.create();
const PATH = "web.shop.svc.cluster.local:80";

interface Meshed {
  readonly process: ProxyProcess;
  /** Asks the application behind the process's inbound proxy, each time over a connection of its own. */
  readonly ask: () => Promise<number>;
}

/** A proxy's process as the server's side of a pair; the client's side is in this process. */
async function withProcess(
  environment: Record<string, string>,
  use: (meshed: Meshed) => Promise<void>,
  serve: () => Response | Promise<Response> = () => new Response("hello"),
): Promise<void> {
  const control = await startControlServices(authority);
  const app = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, serve);
  const process = await startProcess({
    name: SERVER,
    anchors: authority.certificate.toString("pem"),
    control,
    environment,
  });
  const client = await startTestProxy(authority, CLIENT, {
    LINKERD2_PROXY_OUTBOUND_HTTP1_CONNECTION_POOL_IDLE_TIMEOUT: "1ms",
  });
  client.redirect("outbound", { ip: "10.43.0.7", port: 80 });
  client.control.decisions.set("10.43.0.7:80", balanced(PATH));
  const application = { ip: "127.0.0.1", port: app.addr.port };
  client.control.endpoints.set(PATH, [endpointAt(application, SERVER, process.inboundPort)]);
  const url = `http://127.0.0.1:${client.outboundAddress.port}`;
  try {
    await use({
      process,
      ask: async () => {
        const response = await fetch(url, { headers: { connection: "close" } });
        await response.body?.cancel();
        return response.status;
      },
    });
  } finally {
    await client.stop();
    await process.stop();
    await app.shutdown();
    control.close();
  }
}

function total(text: string, metric: string): number {
  return text.split("\n").filter((line) => line.startsWith(`${metric}{`))
    .reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
}

for (const cores of [1, 2]) {
  const name = `the bundle serves with ${cores} loop(s), tells what it counted, and ends when told to`;
  const ignore = navigator.hardwareConcurrency < cores;
  Deno.test({ name, ignore }, async () => {
    await withProcess({ LINKERD2_PROXY_CORES: String(cores) }, async ({ process, ask }) => {
      if (cores > 1) await process.logged("worker ready");
      const statuses = await Promise.all(Array.from({ length: 40 }, ask));
      equal(statuses.filter((status) => status === 200).length, 40);
      const text = await (await fetch(`${process.admin}/metrics`)).text();
      equal(total(text, "request_total"), 40);
      equal(total(text, "response_latency_ms_count"), 40);
      ok(text.includes("process_start_time_seconds "));
      ok(/^process_resident_memory_bytes \d{7,}$/m.test(text));
      const isCounted = Deno.statSync("/proc/self/fd").size > 0; // since Linux 6.2
      equal(/^process_open_fds \d+$/m.test(text), isCounted);
      equal((await fetch(`${process.admin}/ready`)).status, 200);
      const threads = [...Deno.readDirSync(`/proc/${process.pid}/task`)].map(({ name }) =>
        Deno.readTextFileSync(`/proc/${process.pid}/task/${name}/comm`).trim()
      );
      equal(threads.filter((name) => name.startsWith("worker")).length, cores - 1, threads.join());
      equal(await process.stop(), 0);
    });
  });
}

Deno.test({
  name: "what is under way when the proxy is told to end has the grace period, and no longer",
  ignore: navigator.hardwareConcurrency < 2,
}, async () => {
  const answers: (() => void)[] = [];
  let onAsked = () => {};
  const slow = () =>
    new Promise<Response>((done) => {
      answers.push(() => done(new Response("late")));
      onAsked();
    });
  await withProcess({
    LINKERD2_PROXY_CORES: "2",
    LINKERD2_PROXY_SHUTDOWN_GRACE_PERIOD: "2s",
  }, async ({ process, ask }) => {
    await process.logged("worker ready");
    const asked = new Promise<void>((done) => onAsked = () => answers.length === 8 && done());
    const asking = Promise.all(Array.from({ length: 8 }, ask));
    await asked;
    const ended = process.stop();
    await process.logged("shutting down");
    for (const answer of answers.splice(0, 7)) answer(); // all but one come to their end
    equal(await ended, 0);
    ok(process.lines.some((line) => line.includes("grace period over")));
    const statuses = await asking;
    equal(statuses.filter((status) => status === 200).length, 7);
    ok(statuses.some((status) => status >= 500), statuses.join());
    for (const answer of answers) answer();
  }, slow);
});

Deno.test({
  name: "a process of two loops is tapped at its control port, and ends with a tap open",
  ignore: navigator.hardwareConcurrency < 2,
}, async () => {
  await withProcess({
    LINKERD2_PROXY_CORES: "2",
    LINKERD2_PROXY_CONTROL_LISTEN_ADDR: "127.0.0.1:0",
    LINKERD2_PROXY_TAP_SVC_NAME: TAP,
  }, async ({ process, ask }) => {
    const port = Number(
      / tap=127\.0\.0\.1:(\d+)/.exec(process.lines.find((line) => line.includes("ready"))!)![1],
    );
    await process.logged("worker ready");
    const client = await startTapClient(authority, { ip: "127.0.0.1", port }, SERVER);
    const limited = client.observe({ limit: 4 }), open = client.observe({ limit: 1000 });
    for (let i = 0; i < 500 && limited.events.length < 12; i++) equal(await ask(), 200);
    equal(limited.events.length, 12, "four requests, each to its end");
    equal((await limited.status).code, 0);
    equal(await process.stop(), 0);
    ok((await open.status).code !== 0);
    await client.stop();
  });
});
