/** What the node gives to every pod it runs. */
import type { Container, Pod, Service } from "../../kube/kinds.ts";
import type { NodeNetwork } from "../network/node_network.ts";
import type { BackOffOptions } from "./back_off.ts";
import type { References } from "./environment.ts";
import type { IdRange } from "./identity.ts";
import type { ImageMap } from "./images.ts";
import type { LogOptions } from "./log_file.ts";
import type { DnsSettings } from "./pod_files.ts";
import type { TokenWish } from "./projection.ts";
import type { IssuedToken } from "./volumes.ts";

export interface NodeContext {
  readonly nodeName: string;
  readonly network: NodeNetwork;
  /** A directory of the node's own; everything of its pods lives below it. */
  readonly directory: string;
  readonly images: ImageMap;
  readonly dns: DnsSettings;
  /** Variables every container has, as an image would set them: PATH, HOME ... */
  readonly environment: ReadonlyMap<string, string>;
  readonly allocatable: { readonly cpu: number; readonly memoryBytes: number };
  /** User ids containers may run as; see identity.ts. */
  readonly userRanges: readonly IdRange[];
  readonly references: References;
  readonly backOff: BackOffOptions;
  readonly logs: LogOptions;
  services(): Iterable<Service>;
  issueToken(pod: Pod, wish: TokenWish): Promise<IssuedToken>;
  /** Resolves when a ConfigMap or Secret has changed, after a second, or when `signal` aborts. */
  referencesChanged(signal: AbortSignal): Promise<void>;
  /** Something in a pod's status has changed. */
  statusChanged(uid: string): void;
  /** A container runs as the runner's user because the one it asks for does not exist here. */
  userIgnored(pod: Pod, container: Container): void;
  warn(pod: Pod, reason: string, message: string, container?: string): void;
}
