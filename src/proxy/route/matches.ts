/**
 * Which requests a route takes, as data: what policies are translated to, and what a loop compiles its route table from
 * (route_table.ts). Values of headers have one character a byte. Plain objects only, since they cross to other loops.
 * Source: protocol-api.md §4, §5; proxy.md §3.
 */

/** The name in the request's authority, whatever its case. */
export type HostMatch =
  | { readonly kind: "exact"; readonly name: string }
  /** Names below; the labels from the last one on: `*.example.com` is [com, example]. */
  | { readonly kind: "suffix"; readonly reverseLabels: readonly string[] };

/** Regular expressions are RE2's, and must match the whole text. */
export type TextMatch =
  | { readonly kind: "exact"; readonly value: string }
  | { readonly kind: "regex"; readonly pattern: string };

/** A prefix matches whole segments: /a matches /a and /a/b, not /ab. */
export type PathMatch = TextMatch | { readonly kind: "prefix"; readonly value: string };

/** One of the fields with this name has such a value. Header names are in lower case. */
export interface FieldMatch {
  readonly name: string;
  readonly value: TextMatch;
}

/** Every part that is there must match. */
export interface HttpMatch {
  readonly kind: "http";
  readonly path?: PathMatch;
  readonly headers: readonly FieldMatch[];
  readonly queryParams: readonly FieldMatch[];
  readonly method?: string;
}

export interface GrpcMatch {
  readonly kind: "grpc";
  /** Empty: any. */
  readonly service: string;
  readonly method: string;
  readonly headers: readonly FieldMatch[];
}

/** What a ServiceProfile says of a request's path and method. Expressions must match the whole path. */
export type Condition =
  | { readonly kind: "all" | "any"; readonly of: readonly Condition[] }
  | { readonly kind: "not"; readonly of: Condition }
  | { readonly kind: "path"; readonly pattern: string }
  | { readonly kind: "method"; readonly method: string };

/** A route of a ServiceProfile: all that match rank alike, so that the first of them stands. */
export interface ProfileMatch {
  readonly kind: "profile";
  readonly condition: Condition;
}

export type RequestMatch = HttpMatch | GrpcMatch | ProfileMatch;

/** Where a rule of a route leads, `target`, and which requests it takes. */
export interface MatchedRule<Target> {
  /** Any of them; none: every request, with the lowest rank. */
  readonly matches: readonly RequestMatch[];
  readonly target: Target;
}

export interface MatchedRoute<Target> {
  /** Any of them; none: every host. */
  readonly hosts: readonly HostMatch[];
  readonly rules: readonly MatchedRule<Target>[];
}
