/** What a role of the control plane is to main.ts: it starts, says when it is ready, and stops in order. */
import type { Registry } from "prom-client";
import type { KubeClient } from "../../kube/client.ts";
import type { Flags } from "./flags.ts";

export interface RoleContext {
  readonly flags: Flags;
  readonly registry: Registry;
  /** Connects on first use. */
  cluster(): Promise<KubeClient>;
}

export interface RunningRole {
  /** What is still waited for; empty when ready. Asked by every readiness probe. */
  waitingFor(): readonly string[];
  /** Stops accepting, drains, closes. */
  stop(): Promise<void>;
}

export interface Role {
  /** Port of the admin server unless --admin-addr says otherwise. */
  readonly adminPort: number;
  /** Reads its flags at once (throws FlagError), then starts without waiting for the cluster. */
  start(context: RoleContext): Promise<RunningRole>;
}
