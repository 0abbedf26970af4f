/**
 * Whether what a controller knows of the cluster is current: since when it could not list or watch a kind. While the API
 * server is away a controller goes on from what it knows, and nothing but this tells that it is no longer told.
 *
 * It looks at the client that every informer uses, so that no informer can be forgotten.
 */
import { Gauge, type Registry } from "prom-client";
import { isNotFound, type KubeClient, KubeError, overriding } from "../../kube/client.ts";
import type { ResourceKind } from "../../kube/resource.ts";
import { STALE_GAUGE } from "../../mesh/names.ts";

/** A watch that fails is tried again within 15 s: one that has not failed for longer stands. */
const FAILING_MS = 30_000;

interface Failing {
  readonly since: number;
  last: number;
}

export class ClusterHealth {
  readonly #failing = new Map<string, Failing>();

  constructor(private readonly now: () => number = Date.now) {}

  /** `kind` (its plural name) could be listed or is watched. */
  worked(kind: string): void {
    this.#failing.delete(kind);
  }

  failed(kind: string): void {
    const known = this.#failing.get(kind), now = this.now();
    if (known === undefined || now - known.last > FAILING_MS) {
      this.#failing.set(kind, { since: now, last: now });
    } else known.last = now;
  }

  /** Kinds that cannot be listed or watched now, each with the milliseconds since it could. */
  *stale(): Generator<[kind: string, milliseconds: number]> {
    const now = this.now();
    for (const [kind, { since, last }] of this.#failing) {
      if (now - last <= FAILING_MS) yield [kind, now - since];
    }
  }

  /** The same client, watched. */
  observe(client: KubeClient): KubeClient {
    const settle = (kind: ResourceKind, error: unknown) => {
      // A kind that is not installed, and a watch that is too old to be resumed, are answers.
      if (isNotFound(error) || (error instanceof KubeError && error.status === 410)) this.worked(kind.plural);
      else this.failed(kind.plural);
    };
    const worked = (kind: ResourceKind) => this.worked(kind.plural);
    return overriding(client, {
      async list(kind, options) {
        try {
          const list = await client.list(kind, options);
          worked(kind);
          return list;
        } catch (error) {
          settle(kind, error);
          throw error;
        }
      },
      async *watch(kind, options) {
        try {
          for await (const event of client.watch(kind, options)) {
            worked(kind);
            yield event;
          }
        } catch (error) {
          settle(kind, error);
          throw error;
        }
      },
    });
  }
}

/** The gauge that `linkerd check` reads. */
export function staleGauge(health: ClusterHealth, registry: Registry): void {
  new Gauge({
    name: STALE_GAUGE,
    help: "Seconds since a kind of objects could last be listed or watched, of those that cannot be now.",
    labelNames: ["kind"],
    registers: [registry],
    collect() {
      this.reset();
      for (const [kind, milliseconds] of health.stale()) this.set({ kind }, milliseconds / 1000);
    },
  });
}
