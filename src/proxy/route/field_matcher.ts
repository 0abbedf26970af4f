/** Matchers of the values of headers and query parameters, compiled. */
import { bytesOf, type HeadView, type ValueMatcher } from "./head_view.ts";
import type { FieldMatch, TextMatch } from "./matches.ts";
import { compileRegex, type Regex } from "./regex.ts";

/** Of a header whose value may be text at all (RFC 9110 §5.5: other bytes are opaque). */
const TEXT = /^[\t\x20-\x7e]*$/;

class ExactValue implements ValueMatcher {
  readonly #bytes: Uint8Array;

  constructor(private readonly value: string) {
    this.#bytes = bytesOf(value);
  }

  acceptsBytes(head: HeadView, at: number, length: number): boolean {
    return length === this.#bytes.length && head.has(at, this.#bytes);
  }

  acceptsText(text: string): boolean {
    return text === this.value;
  }
}

class RegexValue implements ValueMatcher {
  constructor(private readonly regex: Regex) {}

  acceptsBytes(head: HeadView, at: number, length: number): boolean {
    const text = head.text(at, length);
    return TEXT.test(text) && this.regex.matches(text);
  }

  acceptsText(text: string): boolean {
    return this.regex.matches(text);
  }
}

/** An expression as policies are let through; what cannot be compiled has been refused before. */
export function regexOf(pattern: string): Regex {
  const regex = compileRegex(pattern);
  if (regex === undefined) throw new TypeError(`not a regular expression: ${pattern}`);
  return regex;
}

function valueMatcher(value: TextMatch): ValueMatcher {
  return value.kind === "exact" ? new ExactValue(value.value) : new RegexValue(regexOf(value.pattern));
}

export class HeaderMatcher {
  readonly #name: Uint8Array;
  readonly #value: ValueMatcher;

  constructor({ name, value }: FieldMatch) {
    this.#name = bytesOf(name);
    this.#value = valueMatcher(value);
  }

  accepts(head: HeadView): boolean {
    return head.hasHeader(this.#name, this.#value);
  }
}

export class QueryMatcher {
  readonly #name: string;
  readonly #value: ValueMatcher;

  constructor({ name, value }: FieldMatch) {
    this.#name = name;
    this.#value = valueMatcher(value);
  }

  accepts(head: HeadView): boolean {
    return head.query.getAll(this.#name).some((value) => this.#value.acceptsText(value));
  }
}
