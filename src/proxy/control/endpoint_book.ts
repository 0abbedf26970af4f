/** The endpoints of one name as told so far: what somebody who asks later is told first. */
import { formatAddress } from "../../linux/address.ts";
import type { EndpointInfo, EndpointUpdate } from "./plane.ts";

/** Endpoints told at once: about 100 µs of work for the data plane. */
export const BATCH = 8;

export class EndpointBook {
  readonly #endpoints = new Map<string, EndpointInfo>();
  /** What was told last when there are none; undefined while nothing is known. */
  #emptiness: "reset" | "absent" | undefined;

  apply(update: EndpointUpdate): void {
    switch (update.kind) {
      case "replace":
        this.#endpoints.clear();
        this.#add(update.endpoints);
        break;
      case "add":
        this.#add(update.endpoints);
        break;
      case "remove":
        for (const address of update.addresses) this.#endpoints.delete(formatAddress(address));
        break;
      case "reset":
      case "absent":
        this.#endpoints.clear();
    }
    this.#emptiness = update.kind === "absent" ? "absent" : "reset";
  }

  #add(endpoints: readonly EndpointInfo[]): void {
    for (const info of endpoints) this.#endpoints.set(formatAddress(info.address), info);
  }

  /** All that is known, as one update; undefined while nothing is. */
  snapshot(): EndpointUpdate | undefined {
    if (this.#emptiness === undefined) return undefined;
    if (this.#endpoints.size === 0) return { kind: this.#emptiness };
    return { kind: "replace", endpoints: [...this.#endpoints.values()] };
  }

  /**
   * Tells all that is known, a batch a step. Updates may be applied (and told) meanwhile: what is removed before its
   * batch is never told, what is added is told in a later one.
   */
  *tell(onUpdate: (update: EndpointUpdate) => void): Generator<void> {
    if (this.#emptiness === undefined) return;
    if (this.#endpoints.size === 0) return onUpdate({ kind: this.#emptiness });
    let batch: EndpointInfo[] = [];
    const flush = () => {
      if (batch.length > 0) onUpdate({ kind: "add", endpoints: batch });
      batch = [];
    };
    for (const info of this.#endpoints.values()) {
      batch.push(info);
      if (batch.length < BATCH) continue;
      flush();
      yield;
    }
    flush();
  }
}
