import assert from "node:assert/strict";
import type { KubeClient } from "../../kube/client.ts";
import { KubeError } from "../../kube/client.ts";
import type { TapEventRecord, TapLine } from "../../mesh/tap.ts";
import { MeshFailure } from "../../mesh/error.ts";
import { type Environment, SYSTEM } from "../environment.ts";
import { formatEvent } from "./format.ts";
import { queryFor, tap } from "./tap.ts";

const GLOBAL = { linkerdNamespace: "linkerd", cniNamespace: "linkerd-cni", verbose: false };
const id = { base: 3, stream: 12 };
const IN: Omit<TapEventRecord, "requestInitEvent"> = {
  source: { ip: "10.42.0.9", port: 40_000, metadata: { tls: "true", pod: "load-1" } },
  destination: { ip: "fd00::7", port: 8080, metadata: { tls: "loopback", pod: "web-1" } },
  routeMeta: { route_name: "default" },
  proxyDirection: "INBOUND",
};
const request: TapEventRecord = {
  ...IN,
  requestInitEvent: { id, method: "GET", scheme: "HTTP", authority: "web", path: "/a", headers: [] },
};

Deno.test("an event is one line by Linkerd's words, whose TLS is the peer's", () => {
  const begin = "id=3:12 proxy=in  src=10.42.0.9:40000 dst=[fd00::7]:8080 tls=true";
  assert.equal(formatEvent(request, false), `req ${begin} :method=GET :authority=web :path=/a`);
  const response = { id, sinceRequestInit: { seconds: 1, nanos: 2_500 }, httpStatus: 503, headers: [] };
  assert.equal(
    formatEvent({ ...IN, responseInitEvent: response }, false),
    `rsp ${begin} :status=503 latency=1000002µs`,
  );
  const end = {
    id,
    sinceRequestInit: { seconds: 0, nanos: 9_000 },
    sinceResponseInit: { seconds: 0, nanos: 4_000 },
    responseBytes: 19,
    trailers: [],
  };
  assert.equal(
    formatEvent({ ...IN, responseEndEvent: end }, false),
    `end ${begin} duration=4µs response-length=19B`,
  );
  assert.equal(
    formatEvent({ ...IN, responseEndEvent: { ...end, grpcStatusCode: 14, resetErrorCode: 8 } }, false),
    `end ${begin} grpc-status=Unavailable reset-error=8 duration=4µs response-length=19B`,
  );
  assert.match(
    formatEvent({ ...request, proxyDirection: "OUTBOUND" }, false)!,
    /^req id=3:12 proxy=out src=\S+ dst=\S+ tls=loopback /,
  );
  assert.equal(
    formatEvent(request, true),
    `req ${begin} :method=GET :authority=web :path=/a src_pod=load-1 src_tls=true dst_pod=web-1 dst_tls=loopback ` +
      "rt_route_name=default",
  );
  assert.equal(formatEvent(IN, false), undefined, "of a kind that is not known");
});

Deno.test("what a request brought does not steer the terminal", () => {
  const nasty = { ...request.requestInitEvent!, path: "/\x1b[2J\n\u00e4" };
  assert.match(formatEvent({ ...request, requestInitEvent: nasty }, false)!, / :path=\/\\x1b\[2J\\x0a\\xe4$/);
});

const FILTERS = { maxRps: "100" };

Deno.test("words and flags become a query, or are refused by name", () => {
  assert.deepEqual(queryFor(["deploy", "web"], FILTERS)("shop"), {
    kind: "deployment",
    name: "web",
    namespace: "shop",
    maxRps: "100",
  });
  assert.deepEqual(queryFor(["sts"], { ...FILTERS, namespace: "pay", selector: "a=b" })("shop"), {
    kind: "statefulset",
    namespace: "pay",
    labels: "a=b",
    maxRps: "100",
  });
  const filters = {
    ...FILTERS,
    to: "svc/catalog",
    method: "POST",
    scheme: "http",
    authority: "catalog",
    path: "/x",
  };
  assert.deepEqual(queryFor(["ns/shop"], filters)("default"), {
    kind: "namespace",
    name: "shop",
    toKind: "service",
    to: "catalog",
    toNamespace: "shop",
    maxRps: "100",
    method: "POST",
    scheme: "http",
    authority: "catalog",
    path: "/x",
  });
  const refused: [string[], object, string][] = [
    [["all"], {}, "resource-invalid"],
    [["deploy/web", "deploy/cart"], {}, "resource-invalid"],
    [["svc/web"], {}, "tap-kind-invalid"],
    [["au/web"], {}, "tap-kind-invalid"],
    [["deploi/web"], {}, "kind-unknown"],
    [["deploy/web"], { to: "deploy" }, "peer-unnamed"],
    [["deploy/web"], { to: "au/web" }, "peer-invalid"],
    [["deploy/web"], { maxRps: "0" }, "max-rps-invalid"],
    [["deploy/web"], { maxRps: "many" }, "max-rps-invalid"],
    [["deploy/web"], { scheme: "ftp" }, "scheme-invalid"],
  ];
  for (const [words, change, code] of refused) {
    assert.throws(
      () => queryFor(words, { ...FILTERS, ...change }),
      (error) => error instanceof MeshFailure && error.error.code === code && error.error.source === "usage",
      `${words} ${JSON.stringify(change)}`,
    );
  }
});

/** A cluster whose metrics-api says `lines`, and what the command printed and told. */
function scene(answer: Response | readonly TapLine[]) {
  const asked: { path: string; headers: Record<string, string> | undefined }[] = [], tokens: unknown[] = [];
  let printed = "", told = "", isClosed = false;
  const client = {
    createSubresource: (
      _kind: unknown,
      name: string,
      namespace: string,
      subresource: string,
      body: unknown,
    ) => {
      tokens.push({ name, namespace, subresource, body });
      return Promise.resolve({ status: { token: "a.b.c" } });
    },
    raw: (_method: string, path: string, init: { headers?: Record<string, string> }) => {
      asked.push({ path, headers: init.headers });
      const text = answer instanceof Response
        ? ""
        : answer.map((line) => `${JSON.stringify(line)}\n\n`).join("");
      return Promise.resolve(answer instanceof Response ? answer : new Response(text));
    },
  } as unknown as KubeClient;
  const environment: Environment = {
    ...SYSTEM,
    print: (text) => void (printed += text),
    tell: (text) => void (told += text),
    connect: () =>
      Promise.resolve({ client, namespace: "shop", server: "", close: () => void (isClosed = true) }),
  };
  return {
    environment,
    client,
    asked,
    tokens,
    printed: () => printed,
    told: () => told,
    isClosed: () => isClosed,
  };
}

Deno.test("a tap prints events, and tells once what stood in the way of others", async () => {
  const trouble = { trouble: { pod: "shop/web-1", detail: "connection refused" } };
  const one = scene([
    {
      observing: {
        pods: ["shop/web-1"],
        untapped: [{ namespace: "shop", name: "web-2", reason: "not-meshed" }],
      },
    },
    trouble,
    { event: request },
    trouble,
    { dropped: 7 },
  ]);
  await tap(["deploy/web"], { ...FILTERS, output: "text" }, GLOBAL, one.environment);
  assert.equal(one.printed(), `${formatEvent(request, false)}\n`);
  assert.match(one.told(), /^not tapped: shop\/web-2: it has no proxy\n/);
  assert.equal(one.told().match(/connection refused/g)?.length, 1);
  assert.match(one.told(), /7 events were left out/);
  assert.equal(one.isClosed(), true);
  const [{ path, headers }] = one.asked as [typeof one.asked[number]];
  assert.match(
    path,
    /\/services\/metrics-api:8080\/proxy\/api\/v1\/tap\?kind=deployment&name=web&namespace=shop&/,
  );
  assert.deepEqual(headers, { "l5d-tap-token": "a.b.c" });
  assert.match(JSON.stringify(one.tokens), /"metrics-api".*"linkerd".*"token".*"tap\.linkerd\.io"/);
});

Deno.test("JSON has a whole event a line, with headers asked for", async () => {
  const one = scene([{ event: request }]);
  await tap(["deploy/web"], { ...FILTERS, output: "json" }, GLOBAL, one.environment);
  assert.deepEqual(JSON.parse(one.printed()), request);
  assert.match(one.asked[0]!.path, /headers=true/);
});

Deno.test("a refusal of the API is the command's, in the beginning and later", async () => {
  const error = { code: "tap-disabled", source: "cluster" as const, detail: "none can be tapped" };
  for (const answer of [Response.json({ error }, { status: 400 }), [{ error }]]) {
    const { environment, isClosed } = scene(answer);
    await assert.rejects(
      tap(["deploy/web"], { ...FILTERS, output: "text" }, GLOBAL, environment),
      (failure) => failure instanceof MeshFailure && failure.error.code === "tap-disabled",
    );
    assert.equal(isClosed(), true);
  }
  const missing = scene([]);
  missing.client.createSubresource = () => Promise.reject(new KubeError(404, "NotFound", "no"));
  await assert.rejects(
    tap(["deploy/web"], { ...FILTERS, output: "text" }, GLOBAL, missing.environment),
    (failure) => failure instanceof MeshFailure && failure.error.code === "service-not-found",
  );
});
