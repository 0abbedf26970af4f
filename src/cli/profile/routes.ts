/** Routes of a ServiceProfile, as they come from the description of an interface. */

export interface ProfileRoute {
  readonly name: string;
  readonly condition: { readonly method: string; readonly pathRegex: string };
  readonly isRetryable?: boolean;
  readonly timeout?: string;
  readonly responseClasses?: readonly {
    readonly condition: { readonly status: { readonly min: number; readonly max: number } };
    readonly isFailure?: boolean;
  }[];
}

/** A text as a regular expression that matches it alone. */
export function escapeRegex(text: string): string {
  return text.replace(/[\\.+*?()|[\]{}^$]/g, "\\$&");
}
