/**
 * Regular expressions of routes: RE2's syntax, matched in time linear in the text, whatever the expression. That of
 * JavaScript takes exponential time for some expressions, and the text is the client's to choose.
 */
import { RE2JS } from "re2js";

/** Longer ones are refused, as a bound of what compiling them costs. */
const MAX_PATTERN = 4096;

export interface Regex {
  /** Whether the whole text is matched. */
  matches(text: string): boolean;
}

/** @returns undefined when it is none, or too long */
export function compileRegex(pattern: string): Regex | undefined {
  if (pattern.length > MAX_PATTERN) return undefined;
  try {
    return RE2JS.compile(pattern);
  } catch {
    return undefined; // its only errors are the pattern's
  }
}
