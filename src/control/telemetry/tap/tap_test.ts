import assert from "node:assert/strict";
import * as grpc from "@grpc/grpc-js";
import {
  type ObserveRequest,
  TapDefinition,
  type TapEvent,
  type TapEvent_Http,
} from "../../../../proto/gen/tap.ts";
import { NAMESPACES, type Pod, PODS, TOKEN_REVIEWS, type TokenReview } from "../../../kube/kinds.ts";
import type { ErrorResponse } from "../../../mesh/api.ts";
import type { TapLine } from "../../../mesh/tap.ts";
import { serviceDefinition } from "../../grpc/service.ts";
import { FakeKube } from "../../testing/fake_kube.ts";
import { pod, type PodSketch } from "../../testing/objects.ts";
import { tcpAddress } from "../../wire/address.ts";
import type { StatisticsContext } from "../answers/context.ts";
import { Inventory } from "../inventory.ts";
import { Scraper } from "../scraper.ts";
import { FLOWS } from "../flow.ts";
import { ROUTES } from "../route_flow.ts";
import { Store } from "../store.ts";
import { authorizeTap, isTapClient } from "./authorize.ts";
import { matchOf } from "./match.ts";
import { tapApi } from "./tap_api.ts";

const TOKEN = "a.good.token";

interface Observed {
  readonly request: ObserveRequest;
  readonly requiredId: string;
  readonly call: grpc.ServerWritableStream<ObserveRequest, TapEvent>;
}

/** A proxy's tap server, which a test answers for. */
class FakeProxy {
  readonly #server = new grpc.Server();
  readonly #waiting: ((observed: Observed) => void)[] = [];
  readonly #arrived: Observed[] = [];

  async start(): Promise<number> {
    this.#server.addService(serviceDefinition(TapDefinition), {
      observe: (call: grpc.ServerWritableStream<ObserveRequest, TapEvent>) => {
        const requiredId = String(call.metadata.get("l5d-require-id")[0]);
        const observed = { request: call.request, requiredId, call }, waiting = this.#waiting.shift();
        if (waiting === undefined) this.#arrived.push(observed);
        else waiting(observed);
      },
    });
    return await new Promise((done, failed) =>
      this.#server.bindAsync(
        "127.0.0.1:0",
        grpc.ServerCredentials.createInsecure(),
        (error, port) => error === null ? done(port) : failed(error),
      )
    );
  }

  /** The next Observe call. */
  next(): Promise<Observed> {
    const arrived = this.#arrived.shift();
    return arrived === undefined ? new Promise((done) => this.#waiting.push(done)) : Promise.resolve(arrived);
  }

  stop(): void {
    this.#server.forceShutdown();
  }
}

class Harness {
  readonly kube = new FakeKube();
  readonly proxy = new FakeProxy();
  readonly #store = new Store(FLOWS, { path: ":memory:", retentionMs: 3_600_000 });
  readonly #routes = new Store(ROUTES, { path: ":memory:", retentionMs: 3_600_000 });
  readonly #stopped = new AbortController();
  #context!: StatisticsContext;
  #port = 0;

  static async start(): Promise<Harness> {
    const harness = new Harness();
    harness.#port = await harness.proxy.start();
    harness.kube.put(NAMESPACES, { metadata: { name: "shop" } });
    const inventory = new Inventory(harness.kube, {
      controlPlaneNamespace: "linkerd",
      trustDomain: "cluster.local",
    });
    harness.#context = {
      store: harness.#store,
      routes: harness.#routes,
      inventory,
      scraper: new Scraper({ inventory, ledgers: [], intervalMs: 1000 }),
      certificates: { ends: [] },
      intervalMs: 1000,
      retentionMs: 3_600_000,
      now: Date.now,
    };
    await inventory.ready;
    harness.kube.answer(TOKEN_REVIEWS, (review: TokenReview) => {
      const { token, audiences = [] } = review.spec;
      const username = token === TOKEN
        ? "system:serviceaccount:linkerd:metrics-api"
        : "system:serviceaccount:shop:web";
      return {
        ...review,
        status: token === "bad" ? { authenticated: false, error: "expired" } : {
          authenticated: true,
          audiences: token === "old" ? ["https://kubernetes.default.svc"] : audiences,
          user: { username },
        },
      };
    });
    return harness;
  }

  /** Resolves when the inventory knows what `holds` looks for. */
  async until(holds: (inventory: Inventory) => boolean): Promise<void> {
    while (!holds(this.#context.inventory)) await new Promise((done) => setTimeout(done, 0));
  }

  async pod(sketch: PodSketch, isMeshed = true): Promise<void> {
    const made = pod({ isMeshed, ip: "127.0.0.1", ...sketch });
    made.metadata!.labels!["linkerd.io/proxy-deployment"] = sketch.name.replace(/-\d$/, "");
    const env = [{ name: "LINKERD2_PROXY_CONTROL_LISTEN_ADDR", value: `0.0.0.0:${this.#port}` }];
    if (isMeshed) {
      made.spec!.initContainers = [{ name: "linkerd-proxy", image: "p", restartPolicy: "Always", env }];
    }
    this.kube.put(PODS, made as Pod);
    await this.until((inventory) => inventory.pod("shop", sketch.name) !== undefined);
  }

  fetch(query: string, token: string | undefined = TOKEN): Promise<Response> {
    const authorize = (headers: Headers) => authorizeTap(this.kube, "linkerd", headers.get("l5d-tap-token"));
    const headers: Record<string, string> = token === undefined ? {} : { "l5d-tap-token": token };
    return tapApi(this.#context, this.#stopped.signal, authorize)(
      new Request(`http://api/api/v1/tap?${query}`, { headers }),
    );
  }

  async errorOf(query: string, token?: string): Promise<[number, string]> {
    const response = await this.fetch(query, token);
    return [response.status, (await response.json() as ErrorResponse).error.code];
  }

  stop(): void {
    this.#stopped.abort();
    this.#context.inventory.stop();
    this.#store.close();
    this.#routes.close();
    this.proxy.stop();
  }
}

const ENABLED = { "viz.linkerd.io/tap-enabled": "true" };

async function withHarness(use: (harness: Harness) => Promise<void>): Promise<void> {
  const harness = await Harness.start();
  try {
    await use(harness);
  } finally {
    harness.stop();
  }
}

function lineReader(response: Response): { next(): Promise<TapLine>; cancel(): Promise<void> } {
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  return {
    next: async () => {
      while (!rest.includes("\n")) rest += (await reader.read()).value ?? "";
      const at = rest.indexOf("\n"), line = rest.slice(0, at);
      rest = rest.slice(at + 1);
      return JSON.parse(line) as TapLine;
    },
    cancel: () => reader.cancel(),
  };
}

function event(http: TapEvent_Http["event"], source = "10.42.0.9"): TapEvent {
  return {
    source: tcpAddress(source, 40_000),
    sourceMeta: { labels: { tls: "true" } },
    destination: tcpAddress("127.0.0.1", 8080),
    destinationMeta: { labels: {} },
    routeMeta: { labels: { route_kind: "default" } },
    proxyDirection: 1,
    event: { $case: "http", value: { event: http } },
  };
}

const id = { base: 3, stream: 7n };
const asked = event({
  $case: "requestInit",
  value: {
    id,
    method: { type: { $case: "registered", value: 1 } },
    scheme: { type: { $case: "registered", value: 0 } },
    authority: "web",
    path: "/buy",
    headers: {
      headers: [{ name: "x", value: Uint8Array.of(104, 105) }, { name: "b-bin", value: Uint8Array.of(255) }],
    },
  },
});

Deno.test("a tap asks the pod's proxy for its share, requiring its identity, and tells events as lines", async () => {
  await withHarness(async (harness) => {
    await harness.pod({ name: "web-1", serviceAccount: "web", annotations: ENABLED });
    await harness.pod({ name: "load-1", ip: "10.42.0.9", annotations: ENABLED });
    const response = await harness.fetch(
      "kind=deployment&name=web&namespace=shop&method=post&headers=true&maxRps=7.5",
    );
    assert.equal(response.status, 200);
    const reader = lineReader(response);
    assert.deepEqual(await reader.next(), { observing: { pods: ["shop/web-1"], untapped: [] } });
    const { request, requiredId, call } = await harness.proxy.next();
    assert.equal(requiredId, "web.shop.serviceaccount.identity.linkerd.cluster.local");
    assert.equal(request.limit, 7);
    assert.deepEqual(request.match, matchOf({ kind: "deployment", method: "POST" }));
    assert.ok(request.extract !== undefined);
    call.write(asked);
    assert.deepEqual(await reader.next(), {
      event: {
        source: {
          ip: "10.42.0.9",
          port: 40_000,
          metadata: { namespace: "shop", pod: "load-1", node: "node-1", deployment: "load", tls: "true" },
        },
        destination: {
          ip: "127.0.0.1",
          port: 8080,
          metadata: { namespace: "shop", pod: "web-1", node: "node-1", deployment: "web" },
        },
        routeMeta: { route_kind: "default" },
        proxyDirection: "INBOUND",
        requestInitEvent: {
          id: { base: 3, stream: 7 },
          method: "POST",
          scheme: "HTTP",
          authority: "web",
          path: "/buy",
          headers: [{ name: "x", valueStr: "hi" }, { name: "b-bin", valueBin: "/w==" }],
        },
      },
    });
    call.write(event({
      $case: "responseEnd",
      value: {
        id,
        sinceRequestInit: { seconds: 1n, nanos: 5 },
        sinceResponseInit: undefined,
        responseBytes: 12n,
        eos: { end: { $case: "resetErrorCode", value: 8 } },
        trailers: undefined,
      },
    }, "10.42.0.77"));
    const line = await reader.next();
    assert.ok("event" in line);
    assert.deepEqual(line.event.source.metadata, { tls: "true" }, "an address of no pod");
    assert.deepEqual(line.event.responseEndEvent, {
      id: { base: 3, stream: 7 },
      sinceRequestInit: { seconds: 1, nanos: 5 },
      sinceResponseInit: { seconds: 0, nanos: 0 },
      responseBytes: 12,
      trailers: [],
      resetErrorCode: 8,
    });
    const cancelled = new Promise((done) => call.on("cancelled", done));
    await reader.cancel();
    await cancelled;
  });
});

Deno.test("when a call has its requests, another takes over; a pod that fails is told of and tried again", async () => {
  await withHarness(async (harness) => {
    await harness.pod({ name: "web-1", annotations: ENABLED });
    const reader = lineReader(await harness.fetch("kind=pod&name=web-1&namespace=shop&maxRps=1"));
    await reader.next();
    const first = await harness.proxy.next();
    first.call.write(asked); // its limit: the response may take as long as it wants
    assert.ok("event" in await reader.next());
    const second = await harness.proxy.next();
    second.call.emit("error", { code: grpc.status.UNAUTHENTICATED, details: "may not tap" });
    assert.deepEqual(await reader.next(), { trouble: { pod: "shop/web-1", detail: "may not tap" } });
    const third = await harness.proxy.next();
    third.call.write(asked);
    assert.ok("event" in await reader.next());
    await reader.cancel();
  });
});

Deno.test("pods that cannot be tapped are named with the reason, beside those that can and alone", async () => {
  await withHarness(async (harness) => {
    const disabled = { ...ENABLED, "viz.linkerd.io/disable-tap": "true" };
    await harness.pod({ name: "web-2", annotations: disabled });
    await harness.pod({ name: "web-3" }, false);
    await harness.pod({ name: "web-4" });
    await harness.pod({
      name: "api-1",
      annotations: ENABLED,
      labels: { "linkerd.io/control-plane-component": "x" },
    });
    const response = await harness.fetch("kind=deployment&name=web&namespace=shop");
    const { error } = await response.json() as ErrorResponse;
    assert.deepEqual([response.status, error.code], [400, "tap-disabled"]);
    assert.match(error.detail, /none of the 3 pods.*deployment\/web in namespace shop/);
    assert.match(error.detail, /shop\/web-2: viz\.linkerd\.io\/disable-tap/);
    assert.match(error.detail, /shop\/web-3: it has no proxy/);
    assert.match(error.detail, /shop\/web-4: .*restart the pod/);
    assert.deepEqual(await harness.errorOf("kind=deployment&name=api&namespace=shop"), [400, "tap-disabled"]);
    await harness.pod({ name: "web-1", annotations: ENABLED });
    const reader = lineReader(await harness.fetch("kind=deployment&name=web&namespace=shop"));
    const first = await reader.next();
    assert.ok("observing" in first);
    assert.deepEqual(first.observing.pods, ["shop/web-1"]);
    assert.deepEqual(first.observing.untapped.map(({ name, reason }) => [name, reason]), [
      ["web-2", "disabled"],
      ["web-3", "not-meshed"],
      ["web-4", "restart-needed"],
    ]);
    await reader.cancel();
    harness.kube.put(NAMESPACES, {
      metadata: { name: "shop", annotations: { "viz.linkerd.io/disable-tap": "true" } },
    });
    await harness.until((inventory) => inventory.refusesTap("shop"));
    assert.deepEqual(await harness.errorOf("kind=pod&name=web-1&namespace=shop"), [400, "tap-disabled"]);
  });
});

Deno.test("only metrics-api's own token for taps lets a tap begin", async () => {
  await withHarness(async (harness) => {
    await harness.pod({ name: "web-1", annotations: ENABLED });
    const query = "kind=deployment&name=web&namespace=shop";
    assert.deepEqual(await harness.errorOf(query, ""), [403, "tap-forbidden"], "none");
    assert.deepEqual(await harness.errorOf(query, "another.pods.token"), [403, "tap-forbidden"]);
    assert.deepEqual(await harness.errorOf(query, "bad"), [403, "tap-forbidden"]);
    assert.deepEqual(await harness.errorOf(query, "old"), [403, "tap-forbidden"], "of another audience");
    assert.deepEqual(await harness.errorOf(query, "x".repeat(20_000)), [403, "tap-forbidden"]);
    harness.kube.answer(TOKEN_REVIEWS, () => {
      throw new Error("the API server is away");
    });
    assert.deepEqual(await harness.errorOf(query), [403, "tap-review-failed"]);
  });
});

Deno.test("a client is known by what its proxy proved, where one is named", () => {
  const web = "web.linkerd.serviceaccount.identity.linkerd.cluster.local";
  const headers = new Headers({ "l5d-client-id": web });
  assert.equal(isTapClient(headers, web), true);
  assert.equal(isTapClient(headers, undefined), false);
  assert.equal(isTapClient(headers, "other"), false);
  assert.equal(isTapClient(new Headers(), web), false);
  assert.equal(isTapClient(new Headers({ "l5d-client-id": `${web}, ${web}` }), web), false);
});

Deno.test("what cannot be asked is refused by its name", async () => {
  await withHarness(async (harness) => {
    await harness.pod({ name: "web-1", annotations: ENABLED });
    const web = "kind=deployment&name=web&namespace=shop";
    for (
      const [query, code] of [
        ["", "parameter-missing"],
        ["kind=widget", "kind-unknown"],
        [`${web}&maxrps=1`, "parameter-unknown"],
        [`${web}&maxRps=0`, "max-rps-invalid"],
        [`${web}&maxRps=many`, "max-rps-invalid"],
        [`${web}&scheme=ftp`, "scheme-invalid"],
        [`${web}&method=G%20ET`, "method-invalid"],
        [`${web}&toKind=authority&to=x`, "to-invalid"],
        ["kind=deployment&name=nothing&namespace=shop", "tap-no-pods"],
        ["kind=deployment&labels=a==b==c", "selector-invalid"],
      ] as const
    ) assert.deepEqual(await harness.errorOf(query), [400, code], query);
  });
});
