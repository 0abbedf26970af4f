/**
 * Names and values of fields in the Huffman code of HPACK, for asm/http2/coded_texts.ts: found by a hash that has no
 * collision among them, such a text is known without being decoded or judged.
 */
import { headerNames } from "../../asm/http1/name_list.ts";
import { data } from "./data.ts";
import { findFactor, slotOf } from "./header_names.ts";
import { huffmanCode } from "./huffman.ts";

/** Names without an id that services send each other, or that browsers and proxies add. */
const OTHER_NAMES = [
  "baggage",
  "dnt",
  "grpc-accept-encoding",
  "grpc-encoding",
  "grpc-previous-rpc-attempts",
  "grpc-status-details-bin",
  "priority",
  "sec-ch-ua",
  "sec-ch-ua-mobile",
  "sec-ch-ua-platform",
  "sec-fetch-dest",
  "sec-fetch-mode",
  "sec-fetch-site",
  "sec-fetch-user",
  "uber-trace-id",
  "upgrade-insecure-requests",
  "x-amzn-trace-id",
  "x-api-key",
  "x-cloud-trace-context",
  "x-content-type-options",
  "x-correlation-id",
  "x-datadog-parent-id",
  "x-datadog-sampling-priority",
  "x-datadog-trace-id",
  "x-envoy-attempt-count",
  "x-envoy-external-address",
  "x-forwarded-client-cert",
  "x-forwarded-port",
  "x-ot-span-context",
  "x-powered-by",
  "x-real-ip",
  "x-requested-with",
];
/** Values that most messages have some of; white space only within. */
const VALUES = [
  "*/*",
  "0",
  "?0",
  "?1",
  "200",
  "204",
  "404",
  "500",
  "503",
  "DELETE",
  "GET",
  "HEAD",
  "OPTIONS",
  "PATCH",
  "POST",
  "PUT",
  "accept-encoding",
  "application/grpc",
  "application/grpc+proto",
  "application/grpc-web",
  "application/json",
  "br",
  "cors",
  "deflate",
  "empty",
  "false",
  "gzip",
  "gzip, deflate",
  "gzip, deflate, br",
  "gzip,deflate",
  "http",
  "https",
  "identity",
  "identity, deflate, gzip",
  "identity,deflate,gzip",
  "identity,gzip",
  "max-age=0",
  "navigate",
  "no-cache",
  "no-store",
  "none",
  "same-origin",
  "text/html",
  "text/plain",
  "trailers",
  "true",
];
const SLOT_BITS = 11;
/** Bytes that a coded text may have. */
const STRIDE = 16;

/** asm/http2/coded_texts.ts computes the same, from the last four bytes (fewer, if there are no more) and their number. */
function keyOf(code: readonly number[]): number {
  const last = [0, 0, 0, ...code].slice(-4);
  return last.reduce((key, byte, index) => key + (byte << (8 * index)), code.length << 16) | 0;
}

interface Coded {
  readonly text: string;
  readonly code: readonly number[];
}

function coded(texts: readonly string[]): Coded[] {
  return [...new Set(texts)].map((text) => ({ text, code: huffmanCode(text) }))
    .filter(({ text, code }) => text !== "" && !text.startsWith(":") && code.length <= STRIDE);
}

/** What is known by its code: texts that may be names, and texts that are only values. */
export function knownTexts(staticNames: readonly string[]): { names: Coded[]; values: Coded[] } {
  const names = coded([...headerNames, ...staticNames, ...OTHER_NAMES]);
  return { names, values: coded(VALUES).filter(({ text }) => !names.some((name) => name.text === text)) };
}

/** The id of texts that are only values. */
const NO_NAME = 255;

/**
 * AssemblyScript source of the tables, by place: names first, then values; place 0 is nobody's. A slot is the length of
 * a code and, below it, a place. A text is one number, since the engine checks each access to memory: its id, its
 * length and, in the lower half, where it stands.
 */
export function codedTexts(staticNames: readonly string[]): string {
  const { names, values } = knownTexts(staticNames);
  const known = [...names, ...values];
  const factor = findFactor(known.map(({ code }) => keyOf(code)), SLOT_BITS);
  const slots = new Array<number>(2 ** SLOT_BITS).fill(0);
  const texts: number[] = [0];
  const bytes: number[] = [];
  known.forEach(({ text, code }, index) => {
    slots[slotOf(keyOf(code), factor, SLOT_BITS)] = code.length << 8 | index + 1;
    const id = index < names.length ? Math.max(headerNames.indexOf(text), 0) : NO_NAME;
    texts.push((id << 24 | text.length << 16 | bytes.length) >>> 0);
    bytes.push(...new TextEncoder().encode(text));
  });
  if (known.length > 255 || headerNames.length > NO_NAME || bytes.length > 0xffff) {
    throw new Error("too many known texts for the numbers that tell of them");
  }
  const codes = known.flatMap(({ code }) => Array.from({ length: STRIDE }, (_, index) => code[index] ?? 0));
  return `export const CODED_FACTOR: u32 = ${factor >>> 0};
export const CODED_SHIFT: u32 = ${32 - SLOT_BITS};
export const CODED_NO_NAME: i32 = ${NO_NAME};
` + data("u16", "CODED_SLOTS", slots) +
    data("u8", "CODED_CODES", [...new Array<number>(STRIDE).fill(0), ...codes]) +
    data("u32", "CODED_TEXTS", texts) +
    data("u8", "CODED_TEXT", [...bytes, ...new Array<number>(16).fill(0)]);
}
