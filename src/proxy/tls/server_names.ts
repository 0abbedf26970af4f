/**
 * Which names of a ClientHello a route is for: one name, or all below a domain. The best match wins: a whole name before a
 * domain, a longer domain before a shorter, any of these before a route that names none.
 * Source: proxy.md §5 (TLS routes); protocol-api.md §6 (SniMatch), §10.
 */

/** In lower case. A domain is written with the dot before it: `.example.com` is for `a.example.com`. */
export interface ServerNameMatch {
  readonly kind: "exact" | "suffix";
  readonly value: string;
}

const WHOLE_NAME = 1000;

/** How well a route with these matches fits a name: higher is better, −1 not at all; without matches it fits any, worst. */
export function fitOf(matches: readonly ServerNameMatch[], name: string): number {
  if (matches.length === 0) return 0;
  const wanted = name.toLowerCase().replace(/\.$/, "");
  let best = -1;
  for (const { kind, value } of matches) {
    if (kind === "exact") {
      if (value === wanted) best = WHOLE_NAME;
    } else if (wanted.endsWith(value) && wanted.length > value.length) best = Math.max(best, value.length);
  }
  return best;
}

/** The best route for a name, the earlier of two that are as good; undefined when none is for it. */
export function bestForName<Route extends { readonly names: readonly ServerNameMatch[] }>(
  routes: readonly Route[],
  name: string,
): Route | undefined {
  let best: Route | undefined, fit = -1;
  for (const route of routes) {
    const candidate = fitOf(route.names, name);
    if (candidate <= fit) continue;
    fit = candidate;
    best = route;
  }
  return best;
}
