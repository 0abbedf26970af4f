/** The statistics API over a fake cluster, scraping what a test says, in a time of its own. */
import assert from "node:assert/strict";
import { NAMESPACES, type Pod, PODS } from "../../../kube/kinds.ts";
import type { CertificateEnd } from "../../../mesh/api.ts";
import { FakeKube } from "../../testing/fake_kube.ts";
import { pod } from "../../testing/objects.ts";
import type { StatisticsContext } from "../answers/context.ts";
import { FLOWS } from "../flow.ts";
import { flowLedger } from "../flow_ledger.ts";
import { httpApi } from "../http_api.ts";
import { Inventory } from "../inventory.ts";
import { ROUTES } from "../route_flow.ts";
import { routeLedger } from "../route_ledger.ts";
import { Scraper } from "../scraper.ts";
import { Store } from "../store.ts";

export const T0 = Date.parse("2026-06-01T12:00:00Z");
export const ISSUER_END: CertificateEnd = {
  use: "issuer",
  name: "identity.linkerd.cluster.local",
  serial: "02",
  validUntil: T0 + 60_000,
};

export class Harness {
  readonly kube = new FakeKube();
  now = T0;
  readonly answers = new Map<string, string | Error>();
  readonly store = new Store(FLOWS, { path: ":memory:", retentionMs: 6 * 3_600_000 });
  readonly routes = new Store(ROUTES, { path: ":memory:", retentionMs: 6 * 3_600_000 });
  readonly #stopped = new AbortController();
  context!: StatisticsContext;

  meshed(name: string, deployment: string): void {
    const sketch = pod({ name, ip: "10.42.0.1", isMeshed: true, serviceAccount: deployment });
    sketch.metadata!.labels = { ...sketch.metadata!.labels, "linkerd.io/proxy-deployment": deployment };
    sketch.spec!.initContainers = [{ name: "linkerd-proxy", image: "p", restartPolicy: "Always" }];
    this.kube.put(PODS, sketch as Pod);
  }

  async start(): Promise<this> {
    const inventory = new Inventory(this.kube, {
      controlPlaneNamespace: "linkerd",
      trustDomain: "cluster.local",
    });
    const scraper = new Scraper({
      inventory,
      ledgers: [flowLedger(this.store), routeLedger(this.routes)],
      intervalMs: 1_000,
      now: () => this.now,
      fetchMetrics: (one) => {
        const answer = this.answers.get(one.name);
        return answer === undefined || answer instanceof Error
          ? Promise.reject(answer ?? new Error("connection refused"))
          : Promise.resolve(answer);
      },
    });
    this.context = {
      store: this.store,
      routes: this.routes,
      inventory,
      scraper,
      certificates: { ends: [ISSUER_END] },
      intervalMs: 1_000,
      retentionMs: 6 * 3_600_000,
      now: () => this.now,
    };
    await inventory.ready;
    return this;
  }

  /** One of a pod, ten seconds after its proxy began. @param exposition its metrics after `n` times the same traffic */
  static async measured(exposition: (n: number) => string): Promise<Harness> {
    const mesh = new Harness();
    mesh.kube.put(NAMESPACES, { metadata: { name: "shop" } });
    mesh.meshed("web-1", "web");
    await mesh.start();
    for (let n = 1; n <= 10; n++) {
      mesh.answers.set("web-1", exposition(n));
      await mesh.tick();
    }
    return mesh;
  }

  /** Lets time pass, then scrapes. */
  async tick(milliseconds = 1_000): Promise<void> {
    this.now += milliseconds;
    await this.context.scraper.scrapeAll();
    this.store.maintain(this.now);
    this.routes.maintain(this.now);
  }

  fetch(path: string): Response {
    return httpApi(this.context, this.#stopped.signal)(new Request(`http://api${path}`));
  }

  async json<T>(path: string): Promise<T> {
    const response = this.fetch(path);
    assert.equal(response.status, 200, path);
    return await response.json() as T;
  }

  [Symbol.dispose](): void {
    this.#stopped.abort();
    this.context.inventory.stop();
    this.store.close();
    this.routes.close();
  }
}
