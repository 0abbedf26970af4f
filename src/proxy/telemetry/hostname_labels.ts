/**
 * The `hostname` label of outbound requests and TLS connections, where it is asked for: clients choose it, so the names
 * that a loop tells apart are bounded. Those that come later have an empty label, as have addresses and what is no name.
 * Source: proxy.md §13 (hostname); config.md (proxy-metrics-hostname-labels).
 */
import { canonicalName } from "../config/name_suffixes.ts";

/** Spellings that are told apart. */
const MAX_HOSTNAMES = 256;

export class HostnameLabels {
  readonly #known = new Map<string, string>();

  /** @param text a host without its port, as the client wrote it */
  of(text: string): string {
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    const name = canonicalName(text);
    if (name === undefined || this.#known.size >= MAX_HOSTNAMES) return "";
    this.#known.set(text, name);
    return name;
  }
}
