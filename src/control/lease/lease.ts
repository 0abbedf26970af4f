/**
 * A Lease of coordination.k8s.io: of several replicas one holds it, and does what only one may do.
 *
 * The holder renews it shortly before it ends; the others look when it should have ended, and the first of them to write
 * takes it: every write names the version that it read. A holder that cannot renew in time knows by its own clock that it
 * holds the lease no more. So a lease costs one request in half a minute for each replica, and nothing is polled.
 *
 * Source: as Linkerd's policy controller holds its (kubert's lease manager): 30 s, renewed 1 s before the end.
 */
import { isAlreadyExists, isConflict, isNotFound, type KubeClient } from "../../kube/client.ts";
import { type Lease as LeaseObject, LEASES } from "../../kube/kinds.ts";
import type { OwnerReference } from "../../kube/resource.ts";
import { type Clock, SYSTEM_CLOCK } from "./clock.ts";

export interface LeaseOptions {
  readonly client: KubeClient;
  readonly namespace: string;
  readonly name: string;
  /** Different for every replica and every start. */
  readonly holder: string;
  readonly fieldManager: string;
  /** What the lease is removed with. Asked for when it has to be made. */
  readonly owner?: () => Promise<OwnerReference | undefined>;
  /** Called each time this replica has become the holder. */
  readonly onHeld: () => void;
  readonly clock?: Clock;
}

const DURATION_MS = 30_000;
const RENEW_GRACE_MS = 1_000;
const RETRY_MS = 2_000;

export class Lease {
  readonly #options: LeaseOptions;
  readonly #clock: Clock;
  /** Until when, by its last successful write; 0 for a lease that is another's. */
  #heldUntil = 0;
  /** The lease as last read or written. */
  #known: LeaseObject | undefined;
  #isStopped = false;
  #cancel = () => {};
  #working: Promise<void>;

  constructor(options: LeaseOptions) {
    this.#options = options;
    this.#clock = options.clock ?? SYSTEM_CLOCK;
    this.#working = this.#look();
  }

  get isHeld(): boolean {
    return !this.#isStopped && this.#clock.now() < this.#heldUntil;
  }

  /** Gives the lease up if this replica has it. Resolves when nothing more is written. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancel();
    await this.#working;
    if (this.#clock.now() >= this.#heldUntil || this.#known === undefined) return;
    this.#heldUntil = 0;
    try {
      await this.#write(this.#known, { holderIdentity: null });
    } catch (error) {
      console.error(`lease ${this.#options.name} was not given up, and ends by itself: ${error}`);
    }
  }

  #after(milliseconds: number): void {
    if (this.#isStopped) return;
    this.#cancel = this.#clock.after(milliseconds, () => this.#working = this.#look());
  }

  /** Renews, takes, or waits; and says when to look again. Never rejects. */
  async #look(): Promise<void> {
    const { name } = this.#options;
    try {
      const wasHeld = this.isHeld;
      const lease = wasHeld && this.#known !== undefined ? this.#known : await this.#read();
      const remainingMs = wasHeld ? 0 : this.#remaining(lease);
      if (remainingMs > 0) {
        this.#heldUntil = 0;
        this.#after(remainingMs);
        return;
      }
      await this.#claim(lease, wasHeld);
    } catch (error) {
      this.#known = undefined;
      // Another was quicker: what it wrote says when to look again.
      const isLost = isConflict(error) || isAlreadyExists(error);
      if (isLost) this.#heldUntil = 0;
      else console.error(`lease ${name}: ${error}`);
      this.#after(isLost ? 0 : RETRY_MS);
    }
  }

  async #claim(lease: LeaseObject, isRenewal: boolean): Promise<void> {
    const now = this.#clock.now();
    const time = new Date(now).toISOString().replace(/Z$/, "000Z");
    const transitions = lease.spec?.leaseTransitions ?? 0;
    this.#known = await this.#write(lease, {
      holderIdentity: this.#options.holder,
      leaseDurationSeconds: DURATION_MS / 1000,
      renewTime: time,
      ...(isRenewal ? {} : { acquireTime: time, leaseTransitions: transitions + 1 }),
    });
    this.#heldUntil = now + DURATION_MS;
    this.#after(this.#heldUntil - RENEW_GRACE_MS - this.#clock.now());
    if (!isRenewal && !this.#isStopped) this.#options.onHeld();
  }

  /** Milliseconds for which the lease is another's. */
  #remaining({ spec }: LeaseObject): number {
    const { holderIdentity, renewTime, leaseDurationSeconds = DURATION_MS / 1000 } = spec ?? {};
    if (!holderIdentity || holderIdentity === this.#options.holder || renewTime === undefined) return 0;
    return Date.parse(String(renewTime)) + leaseDurationSeconds * 1000 - this.#clock.now();
  }

  async #read(): Promise<LeaseObject> {
    const { client, name, namespace } = this.#options;
    try {
      return await client.get(LEASES, name, namespace);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    const owner = await this.#options.owner?.();
    return await client.create(LEASES, {
      apiVersion: "coordination.k8s.io/v1",
      kind: "Lease",
      metadata: { name, namespace, ...(owner === undefined ? {} : { ownerReferences: [owner] }) },
      spec: {},
    });
  }

  #write(lease: LeaseObject, spec: Record<string, unknown>): Promise<LeaseObject> {
    const { client, name, namespace, fieldManager } = this.#options;
    const body = { metadata: { resourceVersion: lease.metadata?.resourceVersion }, spec };
    return client.patch(LEASES, name, namespace, body, { type: "merge", fieldManager });
  }
}
