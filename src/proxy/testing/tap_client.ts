/** A client of a proxy's tap server for tests: the proxy's own gRPC channel, under an identity a case picks. */
import { ObserveRequest, type ObserveRequest_Match, TapEvent } from "../../../proto/gen/tap.ts";
import type { SocketAddress } from "../../linux/address.ts";
import { readConfig } from "../config/environment.ts";
import { Dialer } from "../connect/dialer.ts";
import { Resolver } from "../control/dns/resolver.ts";
import type { GrpcStatus } from "../control/grpc.ts";
import { Http2Channel } from "../control/http2_channel.ts";
import { WasmHeaderCodec } from "../control/wasm_header_codec.ts";
import { Log } from "../telemetry/log.ts";
import { Telemetry } from "../telemetry/telemetry.ts";
import { TlsContexts } from "../tls/contexts.ts";
import { Arena } from "../worker/arena.ts";
import { Loop } from "../worker/loop.ts";
import type { TestAuthority } from "./certificates.ts";
import { drive } from "./drive.ts";
import { TEST_ENVIRONMENT } from "./environment.ts";

export const TAP = "metrics-api.linkerd.serviceaccount.identity.linkerd.cluster.local";
const OBSERVE = "/io.linkerd.proxy.tap.Tap/Observe";

/** Every request. */
export const EVERYTHING: ObserveRequest_Match = { match: { $case: "all", value: { matches: [] } } };

export interface Observed {
  readonly events: TapEvent[];
  readonly status: Promise<GrpcStatus>;
  /** Resolves once there are so many events. */
  reached(count: number): Promise<void>;
  cancel(): void;
}

export interface TapClient {
  observe(request: Partial<ObserveRequest>): Observed;
  call(path: string, bytes: Uint8Array): Observed;
  stop(): Promise<void>;
}

/** @param name who asks; @param server whom the tap server proves to be */
export async function startTapClient(
  authority: TestAuthority,
  { ip, port }: SocketAddress,
  server: string,
  name = TAP,
): Promise<TapClient> {
  const faults: unknown[] = [], loop = new Loop((error) => faults.push(error)), arena = Arena.create();
  const tls = new TlsContexts(name, [authority.anchor]);
  tls.install(await authority.issue(name));
  const channel = new Http2Channel({
    service: { host: ip, port, identity: server },
    dialer: new Dialer(loop, arena, readConfig(TEST_ENVIRONMENT).outbound, tls),
    resolver: new Resolver(loop, arena, new Telemetry(arena), []),
    log: new Log("error", "plain"),
    createCodec: () => new WasmHeaderCodec(arena),
  });
  const stopDriving = drive(loop);
  const call = (path: string, bytes: Uint8Array): Observed => {
    const events: TapEvent[] = [], ended = Promise.withResolvers<GrpcStatus>();
    let wake = () => {};
    const watch = channel.serverStream(path, bytes, {
      onMessage: (message) => {
        events.push(TapEvent.decode(message));
        wake();
      },
      onEnd: ended.resolve,
    });
    return {
      events,
      status: ended.promise,
      reached: async (count) => {
        while (events.length < count) {
          const more = new Promise<void>((done) => wake = done);
          const status = await Promise.race([more, ended.promise]);
          if (status !== undefined && events.length < count) {
            throw new Error(`ended after ${events.length} events: ${status.code} ${status.message}`);
          }
        }
      },
      cancel: () => watch.cancel(),
    };
  };
  return {
    call,
    observe: (request) =>
      call(
        OBSERVE,
        ObserveRequest.encode({ limit: 100, match: EVERYTHING, extract: undefined, ...request }).finish(),
      ),
    stop: async () => {
      channel.close();
      await stopDriving();
      if (faults.length > 0) throw faults[0];
    },
  };
}
