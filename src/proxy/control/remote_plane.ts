/** The control plane as a worker sees it: asked through the main loop, which holds the streams. */
import type { ToMain, ToWorker } from "../cores/messages.ts";
import type { ServerPolicy } from "../policy/server_policy.ts";
import type {
  ControlPlane,
  EndpointUpdate,
  NamedTarget,
  OutboundDecision,
  OutboundTarget,
  ProfileRoutes,
  Watch,
} from "./plane.ts";

export class RemotePlane implements ControlPlane {
  readonly #watches = new Map<number, (message: ToWorker) => void>();
  #next = 1;

  constructor(private readonly send: (message: ToMain) => void) {}

  #watch(ask: (watch: number) => ToMain, onMessage: (message: ToWorker) => void): Watch {
    const watch = this.#next++;
    this.#watches.set(watch, onMessage);
    this.send(ask(watch));
    return {
      cancel: () => {
        if (this.#watches.delete(watch)) this.send({ kind: "cancel", watch });
      },
    };
  }

  /** Takes an answer of the main loop; one for a watch that was cancelled meanwhile is dropped. */
  receive(message: ToWorker & { readonly watch: number }): void {
    this.#watches.get(message.watch)?.(message);
  }

  watchInboundPort(port: number, onUpdate: (policy: ServerPolicy) => void): Watch {
    return this.#watch((watch) => ({ kind: "watch-port", watch, port }), (message) => {
      if (message.kind === "policy") onUpdate(message.policy);
    });
  }

  watchOutbound(
    target: OutboundTarget,
    onUpdate: (decision: OutboundDecision) => void,
    onFailed: (reason: string) => void,
  ): Watch {
    return this.#watch((watch) => ({ kind: "watch-outbound", watch, target }), (message) => {
      if (message.kind === "decision") onUpdate(message.decision);
      else if (message.kind === "refused") onFailed(message.reason);
    });
  }

  watchProfile(
    target: NamedTarget,
    onUpdate: (routes: ProfileRoutes | undefined) => void,
  ): Watch {
    return this.#watch((watch) => ({ kind: "watch-profile", watch, target }), (message) => {
      if (message.kind === "profile") onUpdate(message.routes);
    });
  }

  resolve(path: string, onUpdate: (update: EndpointUpdate) => void): Watch {
    return this.#watch((watch) => ({ kind: "resolve", watch, path }), (message) => {
      if (message.kind === "endpoints") onUpdate(message.update);
    });
  }
}
