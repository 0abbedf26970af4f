/** What the verbs work on, and who calls them. */
import type { Admission } from "../admission/admission.ts";
import type { StrategyContext } from "../kinds/strategy.ts";
import type { Registry } from "../registry/registry.ts";
import type { Store } from "../store/store.ts";

export interface UserInfo {
  username: string;
  uid?: string;
  groups?: string[];
  extra?: Record<string, string[]>;
}

export interface ApiState {
  readonly store: Store;
  readonly registry: Registry;
  readonly admission: Admission;
  readonly strategies: StrategyContext;
}

/** One write request. */
export interface WriteContext {
  readonly user: UserInfo;
  readonly fieldManager: string;
  readonly isDryRun: boolean;
  /** What to do with fields the schema does not know: refuse, warn, or drop silently. */
  readonly validation: "Strict" | "Warn" | "Ignore";
  /** Told to the client in Warning headers. */
  readonly warnings: string[];
}
