/** What the main loop and its workers say to each other. Connections never cross; decisions and counts do. */
import type {
  EndpointUpdate,
  NamedTarget,
  OutboundDecision,
  OutboundTarget,
  ProfileRoutes,
} from "../control/plane.ts";
import type { ServerPolicy } from "../policy/server_policy.ts";
import type { TapToMain, TapToWorker } from "../tap/messages.ts";
import type { Row } from "../telemetry/rows.ts";
import type { SpanBatch, SpansTaken } from "../trace/export/messages.ts";
import type { WatchedPlace } from "../worker/watchdog.ts";

/** What this workload proves: a key and its certificate chain, DER, leaf first. */
export interface IdentitySnapshot {
  readonly key: Uint8Array;
  readonly chain: readonly Uint8Array[];
  /** DER of the certificates that peers must chain to. */
  readonly anchors: readonly Uint8Array[];
}

export type ToWorker =
  | {
    readonly kind: "start";
    /** With the addresses that are listened on, which the system may have picked. */
    readonly environment: Readonly<Record<string, string>>;
    /**
     * Sockets that listen, by address. The main loop opens them: they outlive a worker that dies, and so do the
     * connections queued in them.
     */
    readonly sockets: Readonly<Record<string, number>>;
    readonly identity: IdentitySnapshot;
    readonly logFilter: string;
    /** Where a watchdog looks whether the loop turns; undefined: none does. */
    readonly watched: WatchedPlace | undefined;
  }
  | { readonly kind: "identity"; readonly identity: IdentitySnapshot }
  | { readonly kind: "policy"; readonly watch: number; readonly policy: ServerPolicy }
  | { readonly kind: "decision"; readonly watch: number; readonly decision: OutboundDecision }
  | { readonly kind: "refused"; readonly watch: number; readonly reason: string }
  | {
    readonly kind: "profile";
    readonly watch: number;
    readonly routes: ProfileRoutes | undefined;
  }
  | { readonly kind: "endpoints"; readonly watch: number; readonly update: EndpointUpdate }
  | { readonly kind: "collect"; readonly scrape: number }
  | { readonly kind: "log-filter"; readonly filter: string }
  | TapToWorker
  | SpansTaken
  | { readonly kind: "drain"; readonly isForced: boolean };

export type ToMain =
  /** It lives. `thread` and `epoll` are how the main loop tells that it is gone, and closes what it left open. */
  | { readonly kind: "hello"; readonly thread: number; readonly epoll: number }
  /** It accepts. */
  | { readonly kind: "ready" }
  | { readonly kind: "watch-port"; readonly watch: number; readonly port: number }
  | { readonly kind: "watch-outbound"; readonly watch: number; readonly target: OutboundTarget }
  | { readonly kind: "watch-profile"; readonly watch: number; readonly target: NamedTarget }
  | { readonly kind: "resolve"; readonly watch: number; readonly path: string }
  | { readonly kind: "cancel"; readonly watch: number }
  /** A part of what it has counted; `scrape` undefined: its last words. */
  | {
    readonly kind: "rows";
    readonly scrape: number | undefined;
    readonly rows: readonly Row[];
    readonly isLast: boolean;
  }
  | TapToMain
  | SpanBatch
  /** Its last connection has closed. */
  | { readonly kind: "drained" }
  /** Its loop is over by a fault of ours; it ends. */
  | { readonly kind: "fault"; readonly error: string };
