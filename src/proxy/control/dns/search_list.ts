/**
 * What a name that is not absolute may mean: within each of the domains that the pod's resolv.conf searches, and by
 * itself. Names of the control plane are absolute; that of a collector is as somebody wrote it (`jaeger.tracing`).
 * Source: resolv.conf(5), "search", "ndots".
 */
export interface SearchList {
  readonly domains: readonly string[];
  /** With so many dots a name is tried by itself first. */
  readonly dots: number;
}

export const NO_SEARCH: SearchList = { domains: [], dots: 1 };
const MAX_DOTS = 15, MAX_DOMAINS = 32;

/** The search list of a resolv.conf: of several lines the last counts. */
export function searchListOf(resolvConf: string): SearchList {
  const lines = [...resolvConf.matchAll(/^(?:search|domain)[ \t]+(.*)$/gm)];
  const options = [...resolvConf.matchAll(/^options[ \t].*\bndots:(\d+)/gm)];
  const domains = (lines.at(-1)?.[1] ?? "").split(/\s+/).map((domain) => domain.replace(/^\.|\.$/g, ""));
  return {
    domains: domains.filter((domain) => domain !== "").slice(0, MAX_DOMAINS),
    dots: Math.min(MAX_DOTS, Number(options.at(-1)?.[1] ?? 1)),
  };
}

/** The absolute names that `name` may mean, in the order in which they are asked for. */
export function meaningsOf(name: string, { domains, dots }: SearchList): string[] {
  if (name.endsWith(".")) return [name];
  const within = domains.map((domain) => `${name}.${domain}`);
  return name.split(".").length - 1 >= dots ? [name, ...within] : [...within, name];
}
