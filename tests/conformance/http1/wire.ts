/**
 * HTTP/1 as a careful reader sees it, for both ends of a test: written a second time, without any of the proxy's code,
 * and with one answer to every question of framing. What it cannot read without doubt it calls a violation.
 * Source: RFC 9112.
 */
import { equal } from "node:assert/strict";

/** Bytes as text, one letter each. */
export function latin1(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

export interface Message {
  readonly start: string;
  readonly fields: readonly (readonly [string, string])[];
  readonly body: string;
  readonly trailers: readonly (readonly [string, string])[];
  /** The body ended with the connection, or is still to end with it. */
  readonly isOpenEnded: boolean;
}

export interface Reading {
  readonly messages: readonly Message[];
  /** Bytes after the last whole message. */
  readonly rest: string;
}

/** What no reader should have to guess about. */
export class Violation extends Error {}

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const REQUEST_LINE = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+ [\x21-\x7e]+ HTTP\/1\.[01]$/;
const STATUS_LINE = /^HTTP\/1\.[01] [1-9]\d\d(?: [\t\x20-\x7e\x80-\xff]*)?$/;

export function valuesOf({ fields }: Pick<Message, "fields">, name: string): string[] {
  return fields.filter(([known]) => known === name).map(([, value]) => value);
}

function fieldsOf(lines: readonly string[]): [string, string][] {
  return lines.map((line) => {
    const colon = line.indexOf(":"), name = line.slice(0, colon), value = line.slice(colon + 1);
    if (colon < 0 || !TOKEN.test(name)) throw new Violation(`no field line: ${JSON.stringify(line)}`);
    // deno-lint-ignore no-control-regex
    if (/[\0-\x08\x0a-\x1f\x7f]/.test(value)) throw new Violation(`control in ${JSON.stringify(line)}`);
    return [name.toLowerCase(), value.replace(/^[ \t]+|[ \t]+$/g, "")];
  });
}

/** Splits at "CRLF CRLF". @returns the lines and where the rest begins; undefined when it has not ended */
function section(text: string, at: number): { lines: string[]; end: number } | undefined {
  if (text.startsWith("\r\n", at)) return { lines: [], end: at + 2 };
  const end = text.indexOf("\r\n\r\n", at);
  return end < 0 ? undefined : { lines: text.slice(at, end).split("\r\n"), end: end + 4 };
}

interface Content {
  readonly body: string;
  readonly trailers: [string, string][];
  readonly end: number;
}

function chunked(text: string, at: number): Content | undefined {
  let body = "";
  for (;;) {
    const lineEnd = text.indexOf("\r\n", at);
    if (lineEnd < 0) return undefined;
    const line = text.slice(at, lineEnd),
      digits = /^([0-9a-fA-F]{1,15})(?:;[\t\x20-\x7e\x80-\xff]*)?$/.exec(line);
    if (digits === null) throw new Violation(`no chunk size: ${JSON.stringify(line)}`);
    const size = parseInt(digits[1]!, 16);
    at = lineEnd + 2;
    if (size === 0) break;
    if (text.length < at + size + 2) return undefined;
    if (!text.startsWith("\r\n", at + size)) throw new Violation("chunk data is not followed by CRLF");
    body += text.slice(at, at + size);
    at += size + 2;
  }
  const end = section(text, at);
  return end === undefined ? undefined : { body, trailers: fieldsOf(end.lines), end: end.end };
}

/** How long the content is: a number, "chunked", or until the end of the connection. */
function framing(
  fields: readonly (readonly [string, string])[],
  isHttp10: boolean,
): number | "chunked" | undefined {
  const codings = valuesOf({ fields }, "transfer-encoding"), lengths = valuesOf({ fields }, "content-length");
  if (codings.length + lengths.length > 1) {
    throw new Violation(`several framings: ${[...codings, ...lengths].join(" | ")}`);
  }
  if (codings.length === 1) {
    if (isHttp10) throw new Violation("Transfer-Encoding in HTTP/1.0");
    if (codings[0]!.toLowerCase() !== "chunked") throw new Violation(`a coding of doubt: ${codings[0]}`);
    return "chunked";
  }
  if (lengths.length === 0) return undefined;
  if (!/^\d{1,15}$/.test(lengths[0]!)) throw new Violation(`a length of doubt: ${lengths[0]}`);
  return Number(lengths[0]);
}

/** A message of known framing whose head ended at `at`; undefined when it is not whole yet. */
function contentOf(text: string, at: number, length: number | "chunked"): Content | undefined {
  if (length === "chunked") return chunked(text, at);
  if (text.length < at + length) return undefined;
  return { body: text.slice(at, at + length), trailers: [], end: at + length };
}

/** Reads requests as an application does. */
export function readRequests(text: string): Reading {
  const messages: Message[] = [];
  let at = 0;
  while (at < text.length) {
    const head = section(text, at);
    if (head === undefined) break;
    const [start = "", ...lines] = head.lines, fields = fieldsOf(lines);
    if (!REQUEST_LINE.test(start)) throw new Violation(`no request line: ${JSON.stringify(start)}`);
    const isHttp10 = start.endsWith("HTTP/1.0"), hosts = valuesOf({ fields }, "host");
    if (hosts.length !== 1 && !(isHttp10 && hosts.length === 0)) throw new Violation(`${hosts.length} Hosts`);
    const content = contentOf(text, head.end, framing(fields, isHttp10) ?? 0);
    if (content === undefined) break;
    messages.push({ start, fields, body: content.body, trailers: content.trailers, isOpenEnded: false });
    at = content.end;
  }
  return { messages, rest: text.slice(at) };
}

/**
 * Reads responses as a client does.
 * @param methods of the requests, in order; those of HEAD and CONNECT change what follows
 * @param isEnded the connection has ended
 */
export function readResponses(text: string, methods: readonly string[], isEnded: boolean): Reading {
  const messages: Message[] = [];
  let at = 0, finals = 0;
  while (at < text.length) {
    const head = section(text, at);
    if (head === undefined) break;
    const [start = "", ...lines] = head.lines, fields = fieldsOf(lines);
    if (!STATUS_LINE.test(start)) throw new Violation(`no status line: ${JSON.stringify(start)}`);
    const status = Number(start.slice(9, 12)), method = methods[finals] ?? "GET";
    const length = framing(fields, start.startsWith("HTTP/1.0"));
    const isBodiless = status < 200 || status === 204 || status === 304 || method === "HEAD";
    if ((status < 200 || status === 204) && length !== undefined) {
      throw new Violation(`a length in a ${status}`);
    }
    if (status >= 200) finals++;
    let content: Content | undefined, isOpenEnded = false;
    if (status === 101) content = { body: text.slice(head.end), trailers: [], end: text.length };
    else if (isBodiless) content = { body: "", trailers: [], end: head.end };
    else if (length !== undefined) content = contentOf(text, head.end, length);
    else {
      isOpenEnded = true;
      if (isEnded) content = { body: text.slice(head.end), trailers: [], end: text.length };
    }
    if (content === undefined) break;
    messages.push({ start, fields, body: content.body, trailers: content.trailers, isOpenEnded });
    at = content.end;
  }
  return { messages, rest: text.slice(at) };
}

/** Fields of each name must have this value (several: joined by " | "); undefined: there is none. */
export function expectFields(
  what: string,
  actual: Message["fields"],
  wanted: Readonly<Record<string, string | undefined>> = {},
): void {
  for (const [name, value] of Object.entries(wanted)) {
    const values = valuesOf({ fields: actual }, name);
    equal(values.length === 0 ? undefined : values.join(" | "), value, `${what} ${name}`);
  }
}
