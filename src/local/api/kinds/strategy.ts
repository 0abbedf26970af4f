/** What is particular to a kind: its defaults, its rules, what the server fills in. */
import type { FieldErrors } from "../errors.ts";
import type { IncomingObject, StoredObject } from "../object.ts";
import type { Store } from "../store/store.ts";

/** What strategies may look at; all of it synchronous. */
export interface StrategyContext {
  readonly store: Store;
  readonly now: () => Date;
  readonly addresses: ServiceAddresses;
  /** The node pods are bound to as they are created; undefined leaves that to a scheduler. */
  readonly nodeName: string | undefined;
}

/** Hands out addresses of Services. */
export interface ServiceAddresses {
  /** @returns undefined when the address is taken or outside the range, or (without `wanted`) when none is left */
  allocate(wanted?: string): string | undefined;
  release(address: string): void;
  allocatePort(wanted?: number): number | undefined;
  releasePort(port: number): void;
}

export interface Strategy {
  /** Fills in what the schema cannot say; called again after every mutation, so it must not change what is set. */
  setDefaults?(object: IncomingObject): void;
  /** After admission, just before validation: status, addresses. May throw a KubeError. */
  prepareForCreate?(object: IncomingObject, context: StrategyContext): void;
  prepareForUpdate?(object: IncomingObject, old: StoredObject, context: StrategyContext): void;
  /** `old` is missing on create. */
  validate?(object: IncomingObject, errors: FieldErrors, old?: StoredObject): void;
  /** Undoes prepareForCreate when the create fails after all, and releases after a deletion. */
  release?(object: IncomingObject, context: StrategyContext): void;
  /** Seconds the object stays, marked, when deleted; 0 deletes at once. */
  gracePeriodSeconds?(object: StoredObject, requested: number | undefined): number;
}
