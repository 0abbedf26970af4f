/** The control plane over gRPC: destination and policy services, as the data plane asks them. */
import { DestinationProfile, GetDestination } from "../../../proto/gen/destination.ts";
import { PortSpec, Server } from "../../../proto/gen/inbound.ts";
import { OutboundPolicy, TrafficSpec } from "../../../proto/gen/outbound.ts";
import { addressBytes, contains } from "../config/network.ts";
import type { ProxyConfig, StreamLimits } from "../config/environment.ts";
import { allocateCells } from "../../linux/shared_cells.ts";
import { LIMITER_CELLS } from "../policy/rate_limiter.ts";
import type { ServerPolicy } from "../policy/server_policy.ts";
import type { Log } from "../telemetry/log.ts";
import type { Loop } from "../worker/loop.ts";
import { type GrpcChannel, GrpcCode, type GrpcStatus } from "./grpc.ts";
import { EndpointFeed } from "./endpoint_feed.ts";
import {
  type ControlPlane,
  type EndpointUpdate,
  formatTarget,
  type NamedTarget,
  type OutboundDecision,
  type OutboundTarget,
  type ProfileRoutes,
  type Watch,
} from "./plane.ts";
import { ResilientStream } from "./resilient_stream.ts";
import { serverPolicyOf } from "./translate_inbound.ts";
import { tcpAddressOf } from "./translate_net.ts";
import { decisionOf } from "./translate_outbound.ts";
import { profileRoutes } from "./translate_profile.ts";

const DESTINATION = "/io.linkerd.proxy.destination.Destination/";
const INBOUND = "/io.linkerd.proxy.inbound.InboundServerPolicies/";
const OUTBOUND = "/io.linkerd.proxy.outbound.OutboundPolicies/";
const REJECTED: readonly number[] = [GrpcCode.INVALID_ARGUMENT, GrpcCode.FAILED_PRECONDITION];
const ABSENT: readonly number[] = [GrpcCode.NOT_FOUND, GrpcCode.UNIMPLEMENTED];
/** However long an outage lasts: what has changed meanwhile should be known soon after it. */
const MAX_BACKOFF_MS = 10_000;
const UNLIMITED: StreamLimits = {
  initialTimeoutMs: undefined,
  idleTimeoutMs: undefined,
  lifetimeMs: undefined,
};

export interface GrpcPlaneOptions {
  readonly config: ProxyConfig;
  readonly loop: Loop;
  readonly log: Log;
  readonly destination: GrpcChannel;
  readonly policy: GrpcChannel;
}

export class GrpcPlane implements ControlPlane {
  readonly #cells = new Map<number, bigint>();

  constructor(private readonly options: GrpcPlaneOptions) {}

  #stream(
    channel: GrpcChannel,
    path: string,
    request: Uint8Array,
    onMessage: (message: Uint8Array, isFirst: boolean) => void,
    finals: readonly number[],
    onFinal: (status: GrpcStatus) => void,
  ): Watch {
    const { loop, log, config } = this.options, { backoff } = config.outbound;
    const isLoopback =
      (channel === this.options.destination ? config.destination : config.policy).service.identity ===
        undefined;
    return new ResilientStream({
      channel,
      loop,
      path,
      request,
      backoff: { ...backoff, maxMs: Math.min(backoff.maxMs, MAX_BACKOFF_MS) },
      limits: isLoopback ? UNLIMITED : config.controlStream,
      onMessage,
      isFinal: ({ code }) => finals.includes(code),
      onFinal,
      onRetry: ({ code, message }, delayMs) => {
        if (code === GrpcCode.OK) return;
        log.warn("control stream ended", { path, code, error: message, retryMs: Math.round(delayMs) });
      },
    });
  }

  /** Where all loops keep a port's rate limit together: as long as the process lives, whatever becomes of the policy. */
  #limiterCells(port: number): bigint {
    const known = this.#cells.get(port) ?? allocateCells(LIMITER_CELLS);
    this.#cells.set(port, known);
    return known;
  }

  watchInboundPort(port: number, onUpdate: (policy: ServerPolicy) => void): Watch {
    const request = PortSpec.encode({ workload: this.options.config.policy.workload, port }).finish();
    const cellsOf = () => this.#limiterCells(port);
    return this.#stream(
      this.options.policy,
      `${INBOUND}WatchPort`,
      request,
      (message) => {
        const policy = serverPolicyOf(Server.decode(message), cellsOf);
        if (policy !== undefined) onUpdate(policy);
        else this.options.log.error("a port's policy cannot be understood: the one before stays", { port });
      },
      REJECTED,
      ({ message }) =>
        this.options.log.warn("no policy for a port: the default stands", { port, error: message }),
    );
  }

  watchOutbound(
    target: OutboundTarget,
    onUpdate: (decision: OutboundDecision) => void,
    onFailed: (reason: string) => void,
  ): Watch {
    const { config } = this.options;
    let policy: OutboundPolicy | undefined, profile: DestinationProfile | undefined;
    let isPolicyKnown = false, isProfileKnown = !this.#hasProfile(target);
    const tell = () => {
      if (!isPolicyKnown || !isProfileKnown) return;
      if ("name" in target && policy === undefined && profile === undefined) {
        return onFailed("the control plane knows no such name");
      }
      onUpdate(decisionOf(target, policy, profile));
    };
    const spec = TrafficSpec.encode({
      sourceWorkload: config.policy.workload,
      target: "name" in target
        ? { $case: "authority", value: formatTarget(target) }
        : { $case: "addr", value: tcpAddressOf(target) },
    }).finish();
    const watches = [this.#stream(
      this.options.policy,
      `${OUTBOUND}Watch`,
      spec,
      (message) => {
        policy = OutboundPolicy.decode(message);
        isPolicyKnown = true;
        tell();
      },
      [...REJECTED, ...ABSENT],
      ({ code, message }) => {
        if (REJECTED.includes(code)) return onFailed(message);
        isPolicyKnown = true;
        tell();
      },
    )];
    if (!isProfileKnown) {
      watches.push(this.#watchProfile(formatTarget(target), (found) => {
        profile = found;
        isProfileKnown = true;
        tell();
      }));
    }
    return { cancel: () => watches.forEach((watch) => watch.cancel()) };
  }

  /** Profiles are asked for only within the cluster's names and networks. */
  #hasProfile(target: OutboundTarget): boolean {
    const { profileNetworks, profileSuffixes } = this.options.config;
    if ("name" in target) return profileSuffixes.covers(target.name);
    const bytes = addressBytes(target.ip);
    if (profileNetworks.length === 0 || bytes === undefined) return bytes !== undefined;
    return profileNetworks.some((network) => contains(network, bytes));
  }

  watchProfile(
    target: NamedTarget,
    onUpdate: (routes: ProfileRoutes | undefined) => void,
  ): Watch {
    const dst = formatTarget(target);
    return this.#watchProfile(dst, (profile) => onUpdate(profile && profileRoutes(profile, dst)));
  }

  #watchProfile(path: string, onProfile: (profile: DestinationProfile | undefined) => void): Watch {
    const request = GetDestination.encode({
      scheme: "",
      path,
      contextToken: this.options.config.destination.context,
    });
    return this.#stream(
      this.options.destination,
      `${DESTINATION}GetProfile`,
      request.finish(),
      (message) => onProfile(DestinationProfile.decode(message)),
      REJECTED,
      () => onProfile(undefined),
    );
  }

  resolve(path: string, onUpdate: (update: EndpointUpdate) => void): Watch {
    const request = GetDestination.encode({
      scheme: "",
      path,
      contextToken: this.options.config.destination.context,
    });
    let isResolved = false;
    const feed = new EndpointFeed(this.options.loop.slices, (update) => {
      isResolved = true;
      onUpdate(update);
    });
    const stream = this.#stream(
      this.options.destination,
      `${DESTINATION}Get`,
      request.finish(),
      (message, isFirst) => feed.push(message, isFirst),
      REJECTED,
      ({ message }) => {
        this.options.log.warn("a name cannot be resolved", { path, error: message });
        if (!isResolved) onUpdate({ kind: "absent" });
      },
    );
    return {
      cancel: () => {
        stream.cancel();
        feed.cancel();
      },
    };
  }
}
