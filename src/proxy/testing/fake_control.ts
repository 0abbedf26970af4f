/** The control plane as a test wants it: answers are values, given at once or when the test says so. */
import type { SocketAddress } from "../../linux/address.ts";
import {
  type ControlPlane,
  type EndpointInfo,
  type EndpointUpdate,
  formatTarget,
  type NamedTarget,
  type OutboundDecision,
  type OutboundTarget,
  type ProfileRoutes,
  type Watch,
} from "../control/plane.ts";
import { everyRequestTo } from "../route/default_route.ts";
import type { RequestRules } from "../route/request_rules.ts";
import type { ServerPolicy } from "../policy/server_policy.ts";

const NO_RESOURCE = { group: "core", kind: "Service", namespace: "shop", name: "web", port: 80, section: "" };

/** A replica at `address`; meshed when `identity` is given. */
export function endpointAt(
  address: SocketAddress,
  identity?: string,
  transportPort?: number,
): EndpointInfo {
  return {
    address,
    weight: 10_000,
    identity: identity === undefined ? undefined : { serverName: identity, name: identity },
    hint: identity === undefined ? "none" : "h2",
    transportPort,
    authorityOverride: undefined,
    labels: { pod: `pod-${address.port}`, namespace: "shop" },
  };
}

/** The decision for a service: requests are balanced over `path`. */
export function balanced(
  path: string,
  protocol: OutboundDecision["protocol"] = "detect",
  rules?: RequestRules,
): OutboundDecision {
  const backends = [{ backend: { kind: "balancer" as const, path, resource: NO_RESOURCE }, weight: 1 }];
  const distribution = { kind: "first-available" as const, backends };
  return {
    protocol,
    detectTimeoutMs: 1000,
    authority: path,
    parent: NO_RESOURCE,
    http: everyRequestTo(distribution, rules === undefined ? {} : { rules }),
    opaque: distribution,
  };
}

export class FakeControl implements ControlPlane {
  /** By `ip:port` or `name:port`; a target that is in neither map is never answered. */
  readonly decisions = new Map<string, OutboundDecision>();
  /** Targets of which it is said that there is no such thing. */
  readonly unknown = new Set<string>();
  readonly endpoints = new Map<string, EndpointInfo[]>();
  /** By `name:port`. */
  readonly profiles = new Map<string, ProfileRoutes>();
  readonly policies = new Map<number, ServerPolicy>();
  readonly #resolvers = new Map<string, Set<(update: EndpointUpdate) => void>>();
  readonly #outboundWatchers = new Map<string, Set<(decision: OutboundDecision) => void>>();
  readonly #profileWatchers = new Map<string, Set<(routes: ProfileRoutes | undefined) => void>>();
  readonly #portWatchers = new Map<number, Set<(policy: ServerPolicy) => void>>();
  /** Watches that have not been cancelled. */
  open = 0;

  #watch(cancel: () => void): Watch {
    this.open++;
    return {
      cancel: () => {
        this.open--;
        cancel();
      },
    };
  }

  watchInboundPort(port: number, onUpdate: (policy: ServerPolicy) => void): Watch {
    const watchers = this.#portWatchers.get(port) ?? new Set();
    this.#portWatchers.set(port, watchers.add(onUpdate));
    const policy = this.policies.get(port);
    if (policy !== undefined) queueMicrotask(() => onUpdate(policy));
    return this.#watch(() => watchers.delete(onUpdate));
  }

  setPolicy(port: number, policy: ServerPolicy): void {
    this.policies.set(port, policy);
    for (const onUpdate of this.#portWatchers.get(port) ?? []) onUpdate(policy);
  }

  watchOutbound(
    target: OutboundTarget,
    onUpdate: (decision: OutboundDecision) => void,
    onFailed: (reason: string) => void,
  ): Watch {
    const key = formatTarget(target), decision = this.decisions.get(key);
    const watchers = this.#outboundWatchers.get(key) ?? new Set();
    this.#outboundWatchers.set(key, watchers.add(onUpdate));
    if (decision !== undefined) queueMicrotask(() => onUpdate(decision));
    else if (this.unknown.has(key)) queueMicrotask(() => onFailed("no such name"));
    return this.#watch(() => watchers.delete(onUpdate));
  }

  setDecision(key: string, decision: OutboundDecision): void {
    this.decisions.set(key, decision);
    for (const onUpdate of this.#outboundWatchers.get(key) ?? []) onUpdate(decision);
  }

  watchProfile(target: NamedTarget, onUpdate: (routes: ProfileRoutes | undefined) => void): Watch {
    const key = formatTarget(target), watchers = this.#profileWatchers.get(key) ?? new Set();
    this.#profileWatchers.set(key, watchers.add(onUpdate));
    queueMicrotask(() => onUpdate(this.profiles.get(key)));
    return this.#watch(() => watchers.delete(onUpdate));
  }

  setProfile(key: string, routes: ProfileRoutes | undefined): void {
    if (routes === undefined) this.profiles.delete(key);
    else this.profiles.set(key, routes);
    for (const onUpdate of this.#profileWatchers.get(key) ?? []) onUpdate(routes);
  }

  resolve(path: string, onUpdate: (update: EndpointUpdate) => void): Watch {
    const resolvers = this.#resolvers.get(path) ?? new Set();
    this.#resolvers.set(path, resolvers.add(onUpdate));
    const endpoints = this.endpoints.get(path);
    if (endpoints !== undefined) queueMicrotask(() => onUpdate({ kind: "add", endpoints }));
    return this.#watch(() => resolvers.delete(onUpdate));
  }

  update(path: string, update: EndpointUpdate): void {
    for (const onUpdate of this.#resolvers.get(path) ?? []) onUpdate(update);
  }
}
