/**
 * The taps of one loop. While none runs, a request pays one look at `isActive`; while one does, it is matched, and if
 * it matches and the observation may take more, its steps are told.
 */
import type { SocketAddress } from "../../linux/address.ts";
import type { Arena } from "../worker/arena.ts";
import { targetOf } from "./heads.ts";
import type { Observation } from "./observation.ts";
import type { TapPlace } from "./subject.ts";
import { TappedRequest } from "./tapped_request.ts";

/** Observations of one process at one time. */
export const MAX_OBSERVATIONS = 32;

export class Taps {
  /** Some observation takes requests. */
  isActive = false;
  readonly #observations = new Set<Observation>();

  open(observation: Observation): void {
    this.#observations.add(observation);
    this.refresh();
  }

  close(observation: Observation): void {
    this.#observations.delete(observation);
    this.refresh();
  }

  /** To be called when an observation may take more, or no more. */
  refresh(): void {
    let isActive = false;
    for (const { left } of this.#observations) isActive ||= left > 0;
    this.isActive = isActive;
  }

  /**
   * Looks at the request whose head stands in the record (offsets from `at`), on its way to `destination`.
   * @returns undefined when no observation takes it
   */
  begin(
    arena: Arena,
    at: number,
    place: TapPlace,
    destination: SocketAddress,
    now: number,
  ): TappedRequest | undefined {
    const target = targetOf(arena, at), subject = { ...place, ...target, destination };
    let tapped: TappedRequest | undefined;
    for (const observation of this.#observations) {
      if (observation.left <= 0 || !observation.matches(subject)) continue;
      tapped ??= new TappedRequest(arena, subject, now);
      if (!tapped.tell(observation, at)) continue;
      observation.left--;
      if (observation.left === 0) this.refresh();
    }
    return tapped?.isObserved === true ? tapped : undefined;
  }
}
