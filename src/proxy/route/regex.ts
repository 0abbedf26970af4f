/**
 * Regular expressions of routes: RE2's syntax, matched in time linear in the text, whatever the expression. That of
 * JavaScript takes exponential time for some expressions, and the text is the client's to choose.
 *
 * The library is a third of the proxy's own size, and few policies have an expression: it is a file of its own, read with
 * the first of them. CommonJS, since only that can be had in the middle of a policy's translation, without a promise.
 */
import type { RE2JS } from "re2js";

/** Longer ones are refused, as a bound of what compiling them costs. */
const MAX_PATTERN = 4096;

export interface Regex {
  /** Whether the whole text is matched. */
  matches(text: string): boolean;
}

interface Library {
  readonly RE2JS: typeof RE2JS;
}

/** What of Node the runtime has without an import, which every proxy would hold. */
interface Runtime {
  readonly process: { getBuiltinModule(name: "node:module"): typeof import("node:module") };
}

let library: Library | undefined;

/** Beside the bundle, or in dist/ when run from source. @throws Error when the build is not whole */
function load(): Library {
  const { process } = globalThis as unknown as Runtime;
  const { createRequire } = process.getBuiltinModule("node:module");
  const require = createRequire(import.meta.url);
  const beside = new URL("./regex.cjs", import.meta.url);
  return require(
    isFile(beside) ? beside.pathname : new URL("../../../dist/regex.cjs", import.meta.url).pathname,
  );
}

function isFile(url: URL): boolean {
  try {
    return Deno.statSync(url).isFile;
  } catch {
    return false; // run from source: it lies elsewhere
  }
}

/** @returns undefined when it is none, or too long */
export function compileRegex(pattern: string): Regex | undefined {
  if (pattern.length > MAX_PATTERN) return undefined;
  library ??= load();
  try {
    return library.RE2JS.compile(pattern);
  } catch {
    return undefined; // its only errors are the pattern's
  }
}
