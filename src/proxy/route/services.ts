/**
 * The balancers of one loop: backends that are alike in all that their policies say, behind the same parent, share one.
 * Counted by the rules that lead to them. Source: protocol-api.md §10 (proxy-side backend identity).
 */
import type { Dialer } from "../connect/dialer.ts";
import type { Backend, TargetResource } from "../control/plane.ts";
import type { Runtime } from "../runtime.ts";
import { Service } from "./service.ts";

export type BalancedBackend = Extract<Backend, { readonly kind: "balancer" }>;

export class Services {
  readonly #services = new Map<string, Service>();

  constructor(private readonly runtime: Runtime, private readonly dialer: Dialer) {}

  use(backend: BalancedBackend, parent: TargetResource): Service {
    const key = JSON.stringify([backend, parent]);
    let service = this.#services.get(key);
    if (service === undefined) {
      this.#services.set(key, service = new Service(this.runtime, this.dialer, key, backend, parent));
    }
    service.users++;
    return service;
  }

  release(service: Service): void {
    if (--service.users > 0) return;
    this.#services.delete(service.key);
    service.close();
  }
}
