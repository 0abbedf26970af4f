/** Whether processes that outlive a soak hold more open in its end than in its beginning. */
import { equal } from "node:assert/strict";
import type { Cluster } from "../../src/local/cluster/cluster.ts";
import { describeDescriptors, descriptorsOf, processesBelow } from "./processes.ts";
import { until } from "./until.ts";

/** Made under load: what is held then is the most that may be held later. */
export class Descriptors {
  readonly #before: readonly { readonly pid: number; readonly name: string; readonly count: number }[];

  constructor(cluster: Cluster) {
    this.#before = processesBelow(cluster.pid!)
      .filter(({ program }) => program === "proxy" || program === "node")
      .map(({ pid, pod, program }) => ({ pid, name: `${program} ${pod}`.trim(), count: descriptorsOf(pid) }));
  }

  #grown(): string[] {
    return this.#before.flatMap(({ pid, name, count }) => {
      const now = descriptorsOf(pid);
      return now > count ? [`${name}: ${count} → ${now} (${describeDescriptors(pid)})`] : [];
    });
  }

  /** Waits for pools and pending ends to settle. @throws AssertionError that names what grew */
  async expectNoMore(): Promise<void> {
    await until("descriptors are as before", () => this.#grown().length, (grown) => grown === 0, 30_000)
      .catch(() => {}); // what grew is told next, with what it holds
    const grown = this.#grown();
    equal(grown.length, 0, `more is open than before: ${grown.join("; ")}`);
  }
}
