/**
 * When the issuer and the trust anchors end, as the identity service says at its admin port.
 *
 * That port is asked through the mesh like any other, so the answer comes under the identity service's own identity, and
 * no right to read Secrets is needed. What was heard last stays when the service is silent: an end that was known before
 * is not forgotten when it comes.
 */
import type { CertificateEnd } from "../../mesh/api.ts";
import { COMPONENT_LABEL } from "../../mesh/labels.ts";
import { CERTIFICATE_END_METRIC, CONTROL_PORTS } from "../../mesh/names.ts";
import { fetchMetrics } from "./fetch_metrics.ts";
import { parseSeriesKey, scanExposition } from "./exposition.ts";
import { compare, type Inventory, type PodRecord } from "./inventory.ts";

const INTERVAL_MS = 60_000;
/** Until the first answer. */
const EAGER_MS = 2_000;
const TIMEOUT_MS = 5_000;

/** The issuer first, then the anchors, each by its end. */
export function readCertificateEnds(exposition: string): CertificateEnd[] {
  const ends: CertificateEnd[] = [];
  scanExposition(exposition, (name) => name === CERTIFICATE_END_METRIC, (key, seconds) => {
    const { use, name = "", serial = "" } = parseSeriesKey(key).labels;
    if (use === "issuer" || use === "anchor") ends.push({ use, name, serial, validUntil: seconds * 1000 });
  });
  return ends.sort((left, right) => compare(right.use, left.use) || left.validUntil - right.validUntil);
}

export interface CertificatesOptions {
  inventory: Pick<Inventory, "pods">;
  /** The control plane's. */
  namespace: string;
  fetchMetrics?: (pod: PodRecord, signal: AbortSignal) => Promise<string>;
}

export class Certificates {
  readonly #options: Required<CertificatesOptions>;
  readonly #stopped = new AbortController();
  #ends: readonly CertificateEnd[] = [];
  #problem = "";
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: CertificatesOptions) {
    this.#options = {
      fetchMetrics: ({ ip }, signal) => fetchMetrics(ip, CONTROL_PORTS.identityAdmin, signal),
      ...options,
    };
  }

  /** Empty until the identity service has said so. */
  get ends(): readonly CertificateEnd[] {
    return this.#ends;
  }

  /** Asks now, and from then on once a minute. */
  async start(): Promise<void> {
    await this.refresh();
    if (this.#stopped.signal.aborted) return;
    this.#timer = setTimeout(() => this.start(), this.#ends.length === 0 ? EAGER_MS : INTERVAL_MS);
  }

  stop(): void {
    this.#stopped.abort();
    clearTimeout(this.#timer);
  }

  /** Asks the identity service's pods one after the other until one knows. Never throws: what fails is logged. */
  async refresh(): Promise<void> {
    const { inventory, namespace, fetchMetrics } = this.#options;
    const pods = inventory.pods({ namespace, labels: `${COMPONENT_LABEL}=identity` })
      .filter((pod) => pod.ip !== "");
    let problem = "no pod of the identity service has an address";
    for (const pod of pods) {
      try {
        const signal = AbortSignal.any([AbortSignal.timeout(TIMEOUT_MS), this.#stopped.signal]);
        const ends = readCertificateEnds(await fetchMetrics(pod, signal));
        if (ends.length > 0) {
          this.#ends = ends;
          this.#problem = "";
          return;
        }
        problem = `${pod.name} has no usable issuer`;
      } catch (error) {
        if (this.#stopped.signal.aborted) return;
        problem = `${pod.name}: ${error instanceof Error ? error.message : error}`;
      }
    }
    if (problem === this.#problem) return;
    this.#problem = problem;
    console.error(`when the issuer and the trust anchors end is not known anew: ${problem}`);
  }
}
