/**
 * The policies of this workload's ports: those declared are watched for ever, others from the first connection until
 * none has used them for a while. Until the control plane has answered, the default policy stands.
 * Source: protocol-api.md §9; proxy.md §17.
 */
import type { ProxyConfig } from "../config/environment.ts";
import type { ControlPlane, Watch } from "../control/plane.ts";
import type { Loop } from "../worker/loop.ts";
import type { RouteTable } from "../route/route_table.ts";
import { type InboundRule, inboundRules } from "./inbound_rule.ts";
import { ConnectionSeries } from "../telemetry/connection_series.ts";
import type { RateLimit } from "./rate_limit.ts";
import { RateLimiter } from "./rate_limiter.ts";
import { defaultServerPolicy, type ServerPolicy } from "./server_policy.ts";

/** Ports watched at one time beyond the declared ones: a scan of all ports must not cost 65,535 streams. */
const MAX_UNLISTED = 256;

export class PortPolicy {
  #current: ServerPolicy;
  /** Of the present policy; made when it is first asked for. */
  #rules: RouteTable<InboundRule> | undefined;
  /** Keeps the present policy's rate limit; undefined when it has none. */
  limiter: RateLimiter | undefined;
  readonly watch: Watch | undefined;
  /** Told when the policy has changed; connections that live long judge themselves anew. */
  readonly observers = new Set<() => void>();
  /** Of the clients that came last. */
  readonly series = new ConnectionSeries<ServerPolicy>();
  /** Microseconds on the loop's clock. */
  lastUsed = 0;

  constructor(
    readonly port: number,
    initial: ServerPolicy,
    readonly isListed: boolean,
    subscribe: ((onUpdate: (policy: ServerPolicy) => void) => Watch) | undefined,
  ) {
    this.#current = initial;
    this.watch = subscribe?.((policy) => {
      this.#current = policy;
      this.#rules = undefined;
      this.limiter = limiterOf(policy, this.limiter);
      for (const observer of [...this.observers]) observer();
    });
  }

  get current(): ServerPolicy {
    return this.#current;
  }

  /** The rules of HTTP requests. */
  get rules(): RouteTable<InboundRule> {
    return this.#rules ??= inboundRules(this.#current);
  }
}

/** What a policy's limit counts goes on when another says the same: it is sent again with every new stream. */
function limiterOf({ rateLimit }: ServerPolicy, before: RateLimiter | undefined): RateLimiter | undefined {
  if (rateLimit === undefined) return undefined;
  const isSame = before !== undefined && textOf(before.limit) === textOf(rateLimit);
  return isSame ? before : new RateLimiter(rateLimit);
}

function textOf(limit: RateLimit): string {
  return JSON.stringify({ ...limit, cells: String(limit.cells) });
}

export class PortPolicies {
  readonly #policies = new Map<number, PortPolicy>();
  #unlisted = 0;

  constructor(
    private readonly config: ProxyConfig,
    private readonly loop: Loop,
    private readonly control: ControlPlane,
  ) {
    for (const port of new Set([...config.inboundPorts, config.adminListen.port])) this.#create(port, true);
  }

  #create(port: number, isListed: boolean): PortPolicy {
    const { config } = this;
    const initial = defaultServerPolicy(
      config.defaultPolicy,
      config.clusterNetworks,
      config.inboundOpaquePorts.has(port),
      config.inbound.detectTimeoutMs,
    );
    const isWatched = isListed || this.#unlisted < MAX_UNLISTED;
    const policy = new PortPolicy(
      port,
      initial,
      isListed,
      isWatched ? (onUpdate) => this.control.watchInboundPort(port, onUpdate) : undefined,
    );
    this.loop.wakeControl(); // the lookup must not wait for the next event
    if (!isListed) this.#unlisted++;
    this.#policies.set(port, policy);
    return policy;
  }

  of(port: number): PortPolicy {
    const policy = this.#policies.get(port) ?? this.#create(port, false);
    policy.lastUsed = this.loop.now;
    return policy;
  }

  /** Ends the watches of unlisted ports that nothing has used since `before` (microseconds). */
  forgetIdle(before: number): void {
    for (const policy of this.#policies.values()) {
      if (policy.isListed || policy.observers.size > 0 || policy.lastUsed >= before) continue;
      policy.watch?.cancel();
      this.#policies.delete(policy.port);
      this.#unlisted--;
    }
  }
}
