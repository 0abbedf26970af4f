/** What every part of the data plane's loop shares: made once per loop by main.ts. */
import type { SocketFacts } from "./accept/listener.ts";
import type { ProxyConfig } from "./config/environment.ts";
import type { ControlPlane } from "./control/plane.ts";
import type { Log } from "./telemetry/log.ts";
import type { Telemetry } from "./telemetry/telemetry.ts";
import type { Tracing } from "./trace/tracer.ts";
import type { TlsContexts } from "./tls/contexts.ts";
import type { Arena } from "./worker/arena.ts";
import type { Loop } from "./worker/loop.ts";

export interface Runtime {
  readonly config: ProxyConfig;
  readonly loop: Loop;
  readonly arena: Arena;
  readonly telemetry: Telemetry;
  readonly tls: TlsContexts;
  readonly control: ControlPlane;
  readonly log: Log;
  /** What the kernel knows of accepted connections, or what a test says. */
  readonly sockets: SocketFacts;
  /** How requests are traced; left out: they are not. */
  readonly tracing?: Tracing | undefined;
}
