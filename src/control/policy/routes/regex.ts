/**
 * Whether a proxy will take a regular expression: RE2's syntax, as the proxies here match it, and near enough Rust's, as
 * Linkerd's do. A proxy that cannot compile one fails every request of the policy it is part of, so none is sent.
 */
import { RE2JS } from "re2js";

/** As the proxy bounds what compiling costs. */
const MAX_LENGTH = 4096;
/** Policies are made again at every change: what was compiled is known. More than a mesh has; then it begins anew. */
const MAX_KNOWN = 4096;
const known = new Map<string, boolean>();

export function isRegex(pattern: string): boolean {
  let answer = known.get(pattern);
  if (answer === undefined) {
    answer = pattern.length <= MAX_LENGTH && compiles(pattern);
    if (known.size >= MAX_KNOWN) known.clear();
    known.set(pattern, answer);
  }
  return answer;
}

function compiles(pattern: string): boolean {
  try {
    RE2JS.compile(pattern);
    return true;
  } catch {
    return false; // its only errors are the pattern's
  }
}
