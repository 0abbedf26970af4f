/**
 * What a rule does to the requests it takes before they go on, as data: filters in the order they act. Plain objects
 * only, since they cross to other loops; rule_filters.ts checks them and makes them ready.
 * Source: protocol-api.md §4, §5.
 */

/** Applied in the order add, set, remove. Names in any case; values have one character a byte. */
export interface HeaderChanges {
  readonly add: readonly (readonly [name: string, value: string])[];
  readonly set: readonly (readonly [name: string, value: string])[];
  readonly remove: readonly string[];
}

/** So many of so many requests. */
export interface Ratio {
  readonly numerator: number;
  readonly denominator: number;
}

export interface RedirectFilter {
  readonly kind: "redirect";
  /** What is absent is as the request has it. */
  readonly scheme?: string;
  readonly host?: string;
  readonly port?: number;
  readonly path?: {
    /** All of path and query, or the prefix that the rule's match took. */
    readonly kind: "full" | "prefix";
    readonly value: string;
  };
  readonly status: number;
}

export interface FailureFilter {
  readonly kind: "http-failure" | "grpc-failure";
  /** An HTTP status, or a gRPC code. */
  readonly status: number;
  readonly message: string;
  /** Absent: every request. */
  readonly ratio?: Ratio;
}

export type Filter =
  | { readonly kind: "request-headers"; readonly changes: HeaderChanges }
  | { readonly kind: "response-headers"; readonly changes: HeaderChanges }
  | RedirectFilter
  | FailureFilter
  /** The policy asks for what there is not: its requests fail. */
  | { readonly kind: "invalid"; readonly message: string };
