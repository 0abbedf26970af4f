/**
 * One pod that is observed: its proxy is asked once a second for so many requests as may be shown in one.
 *
 * The call goes through metrics-api's own proxy, in plain text as far as that, and by mutual TLS from there;
 * `l5d-require-id` has it refused when the pod is not who it should be (controlplane.md §8.3). Without a proxy of its
 * own nothing is said to anybody: the tap server takes no plain text.
 */
import { type ObserveRequest, TapDefinition, type TapEvent } from "../../../../proto/gen/tap.ts";
import { formatAddress } from "../../../linux/address.ts";
import { GrpcClient } from "../../grpc/client.ts";
import type { PodRecord } from "../inventory.ts";

const INTERVAL_MS = 1000, LONGEST_BACKOFF_MS = 10_000;
/** Calls that have all their requests, and wait for the ends of some: long ones must not stop what follows. */
const MAX_UNFINISHED = 8;

export interface PodTapOptions {
  readonly pod: PodRecord;
  readonly request: ObserveRequest;
  readonly onEvent: (event: TapEvent) => void;
  /** The pod cannot be observed now. */
  readonly onTrouble: (detail: string) => void;
}

export class PodTap {
  readonly #client: GrpcClient<typeof TapDefinition>;
  readonly #calls = new Set<{ cancel(): void }>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #failures = 0;
  #isStopped = false;

  constructor(private readonly options: PodTapOptions) {
    const { ip, controlPort } = options.pod;
    this.#client = new GrpcClient(TapDefinition, formatAddress({ ip, port: controlPort }));
    this.#observe();
  }

  #observe(): void {
    if (this.#isStopped) return;
    const { pod, request, onEvent, onTrouble } = this.options, startedAt = Date.now();
    const call = this.#client.stream("observe", request, { "l5d-require-id": pod.identity });
    let taken = 0, isFollowed = false;
    /** Another call takes over: once, and not before a second is over. */
    const follow = (delayMs: number) => {
      if (isFollowed || this.#isStopped) return;
      isFollowed = true;
      this.#timer = setTimeout(() => this.#observe(), Math.max(0, delayMs));
    };
    const rest = () => startedAt + INTERVAL_MS - Date.now();
    this.#calls.add(call);
    call.on("data", (event: TapEvent) => {
      this.#failures = 0;
      onEvent(event);
      if (event.event?.value.event?.$case !== "requestInit" || ++taken < request.limit) return;
      if (this.#calls.size <= MAX_UNFINISHED) follow(rest());
    });
    call.on("end", () => {
      this.#calls.delete(call);
      follow(rest());
    });
    call.on("error", (error: Error & { code?: number; details?: string }) => {
      this.#calls.delete(call);
      if (this.#isStopped) return;
      onTrouble(error.details || error.message);
      follow(Math.min(LONGEST_BACKOFF_MS, INTERVAL_MS * 2 ** this.#failures++));
    });
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    for (const call of this.#calls) call.cancel();
    this.#client.close();
  }
}
