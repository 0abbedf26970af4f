/**
 * Reads Prometheus' text format, for the few metrics that are wanted, without building what is not.
 *
 * A line's part before its value (`name{labels}`) is the key of its series: it is the same bytes at every scrape, so a
 * caller looks it up in a map and parses labels once in a series' life.
 */

/**
 * @param each called with the key and the value of every sample whose name is wanted
 */
export function scanExposition(
  text: string,
  isWanted: (name: string) => boolean,
  each: (key: string, value: number) => void,
): void {
  new ExpositionReader(isWanted).read(text, each);
}

/**
 * Reads one target's scrapes, which look alike: the same series in the same order. Where a line begins with the key that
 * stood there before, that very string is handed out again, and nothing is sliced or hashed anew.
 */
export class ExpositionReader {
  readonly #isWanted: (name: string) => boolean;
  #layout: string[] = [];

  constructor(isWanted: (name: string) => boolean) {
    this.#isWanted = isWanted;
  }

  read(text: string, each: (key: string, value: number) => void): void {
    const before = this.#layout;
    const layout: string[] = [];
    let at = 0;
    let lastName = "";
    let isLastWanted = false;
    while (at < text.length) {
      let end = text.indexOf("\n", at);
      if (end < 0) end = text.length;
      const expected = before[layout.length];
      if (
        expected !== undefined && text.startsWith(expected, at) &&
        text.charCodeAt(at + expected.length) === 32
      ) {
        layout.push(expected);
        const value = parseValue(text.slice(at + expected.length, end));
        if (value !== undefined) each(expected, value);
      } else if (text.charCodeAt(at) !== 35 && end > at) {
        const brace = text.indexOf("{", at);
        const space = text.indexOf(" ", at);
        const nameEnd = brace >= 0 && brace < space && brace < end ? brace : space;
        if (nameEnd > at && nameEnd < end) {
          const name = text.slice(at, nameEnd);
          if (name !== lastName) {
            lastName = name;
            isLastWanted = this.#isWanted(name);
          }
          // Label values may hold blanks and braces: the closing brace is the first outside of quotes.
          const keyEnd = !isLastWanted ? -1 : nameEnd === brace ? closingBrace(text, brace, end) : nameEnd;
          if (keyEnd > 0) {
            const key = text.slice(at, keyEnd);
            layout.push(key);
            const value = parseValue(text.slice(keyEnd, end));
            if (value !== undefined) each(key, value);
          }
        }
      }
      at = end + 1;
    }
    this.#layout = layout;
  }
}

/** The position after the brace that closes the labels, or -1. */
function closingBrace(text: string, open: number, end: number): number {
  let isQuoted = false;
  for (let at = open + 1; at < end; at++) {
    const code = text.charCodeAt(at);
    if (isQuoted && code === 92) at++;
    else if (code === 34) isQuoted = !isQuoted;
    else if (code === 125 && !isQuoted) return at + 1;
  }
  return -1;
}

/** ` 12 1700000000000`: a value, perhaps a timestamp, perhaps an exemplar after `#`. */
function parseValue(text: string): number | undefined {
  // Nearly always a blank and digits, which Number reads as they are.
  const plain = Number(text);
  if (!Number.isNaN(plain) && text.length > 1) return text.trim() === "" ? undefined : plain;
  const word = text.trimStart().split(/[ #]/, 1)[0]!;
  if (word === "+Inf") return Infinity;
  const value = Number(word);
  return word === "" || Number.isNaN(value) ? undefined : value;
}

export interface SeriesName {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

const ESCAPES: Readonly<Record<string, string>> = { n: "\n", '"': '"', "\\": "\\" };

/** Takes a key apart. What is malformed has the labels that came before the fault. */
export function parseSeriesKey(key: string): SeriesName {
  const brace = key.indexOf("{");
  if (brace < 0) return { name: key, labels: {} };
  const labels: Record<string, string> = {};
  for (const [, label, raw] of key.slice(brace + 1).matchAll(/([a-zA-Z_][\w]*)="((?:[^"\\]|\\.)*)"/g)) {
    labels[label!] = raw!.includes("\\") ? raw!.replace(/\\(.)/g, (all, one) => ESCAPES[one] ?? all) : raw!;
  }
  return { name: key.slice(0, brace), labels };
}
