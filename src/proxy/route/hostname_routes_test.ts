import { deepEqual, equal } from "node:assert/strict";
import { heard } from "../testing/heard.ts";
import { type Pair, withPair } from "../testing/meshed_pair.ts";
import { rowValue } from "../testing/routed_shop.ts";
import { QUICK_RETRY, rule } from "../testing/ruled.ts";

const ROUTE = "outbound_http_route_", ON = { LINKERD2_PROXY_OUTBOUND_METRICS_HOSTNAME_LABELS: "true" };

const ask = ({ client }: Pair, host: string) =>
  heard(client.outboundAddress.port, `GET / HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`);

/** What is told of requests to these hosts. */
const told = ({ client }: Pair, name: string, ...hostnames: string[]) =>
  hostnames.map((hostname) => rowValue(client.runtime, ROUTE + name, `hostname="${hostname}"`));

Deno.test("where it is asked for, a route's requests and retries are told by the host that they are for", async () => {
  let asked = 0;
  await withPair(
    () => new Response("", { status: ++asked === 1 ? 503 : 200 }),
    async (pair) => {
      rule(pair, { retry: QUICK_RETRY });
      for (const host of ["Web.example:8080", "web.example", "api.example", "10.1.2.3:80", "-"]) {
        equal((await ask(pair, host)).split(" ")[1], "200", host);
      }
      const hosts = ["web.example", "api.example", "-", ""] as const;
      deepEqual(told(pair, "request_duration_seconds", ...hosts), [2, 1, 1, 1]);
      deepEqual(told(pair, "request_statuses_total", ...hosts), [2, 1, 1, 1]);
      deepEqual(told(pair, "retry_requests_total", ...hosts), [1, 0, 0, 0]);
      deepEqual(told(pair, "retry_successes_total", ...hosts), [1, 0, 0, 0]);
      // What backends are asked has no such label, and is counted together.
      equal(rowValue(pair.client.runtime, `${ROUTE}backend_requests_total`, 'backend_name="web"'), 6);
      equal(rowValue(pair.client.runtime, `${ROUTE}backend_requests_total`, "hostname"), 0);
      const { control } = pair.client, decision = control.decisions.get("10.43.0.7:80")!;
      control.setDecision("10.43.0.7:80", { ...decision }); // another policy, the same series
      await ask(pair, "api.example");
      deepEqual(told(pair, "request_duration_seconds", ...hosts), [2, 2, 1, 1]);
    },
    {},
    ON,
  );
});

Deno.test("by default no host is told", async () => {
  await withPair(() => new Response("", { status: 200 }), async (pair) => {
    await ask(pair, "web.example");
    deepEqual(told(pair, "request_duration_seconds", "web.example", ""), [0, 1]);
  });
});

Deno.test("a policy that is taken back while a request waits to be made again has it go on by the next one", async () => {
  let asked = 0;
  await withPair(
    () => new Response("", { status: ++asked === 1 ? 503 : 200 }),
    async (pair) => {
      const backoff = { minMs: 50, maxMs: 50, jitter: 0 };
      rule(pair, { retry: { ...QUICK_RETRY, backoff } });
      const answer = ask(pair, "web.example");
      while (told(pair, "retry_requests_total", "web.example")[0] === 0) {
        await new Promise((done) => setTimeout(done, 1));
      }
      const { control } = pair.client, decision = control.decisions.get("10.43.0.7:80")!;
      const presentEndpoints = control.open;
      control.setDecision("10.43.0.7:80", { ...decision });
      equal(control.open, presentEndpoints, "the balancer is kept, and let go of once");
      equal((await answer).split(" ")[1], "200");
      deepEqual(told(pair, "retry_successes_total", "web.example"), [1]);
    },
    {},
    ON,
  );
});
