/**
 * What spans tell of a request, read from its head: made only for requests that are sampled, since strings are made here.
 * Texts are cut, so that what waits for a collector is bounded whatever a client sends. An authority has no password:
 * the parsers refuse one with a user in it.
 * Source: proxy.md §15; OpenTelemetry, semantic conventions for HTTP spans and URLs.
 */
import { Head, HeaderName } from "../../wasm/http1.ts";
import { headerEntry } from "../http/record.ts";
import { HeaderEntry } from "../../wasm/http1.ts";
import type { Arena } from "../worker/arena.ts";
import type { Attribute } from "./span.ts";

/** Characters of one text. */
export const MAX_TEXT = 1024;
const REDACTED = "REDACTED";
/** Parameters of a query that are a signature, which is as good as a password. */
const SECRET_PARAMETERS = /(^|&)(AWSAccessKeyId|Signature|sig|X-Goog-Signature)=[^&]*/g;
const QUESTION_MARK = 1;

const HEADERS: readonly (readonly [id: HeaderName, attribute: string])[] = [
  [HeaderName.UserAgent, "user_agent.original"],
  [HeaderName.ContentLength, "http.request.header.content-length"],
  [HeaderName.ContentType, "http.request.header.content-type"],
  [HeaderName.L5dOrigProto, "http.request.header.l5d-orig-proto"],
];

export interface RequestFacts {
  readonly path: string;
  readonly attributes: readonly Attribute[];
}

/** Without credentials that a query carries. */
function withoutSecrets(query: string): string {
  return query.replace(SECRET_PARAMETERS, `$1$2=${REDACTED}`);
}

/** The host of an authority without its port: no brackets. */
function hostOf(authority: string): string {
  return authority.replace(/^\[|\]$/g, "");
}

/** Reads the request whose head stands in the record (offsets from `at`). */
export function readRequest(arena: Arena, at: number): RequestFacts {
  const { words } = arena.memory, record = arena.recordAt >> 2;
  const text = (from: number, length: number) =>
    arena.readAscii(from, Math.min(Math.max(length, 0), MAX_TEXT));
  const span = (offset: Head, length: Head) => text(at + words[record + offset]!, words[record + length]!);
  const scheme = words[record + Head.SchemeLength]! > 0 ? span(Head.SchemeOffset, Head.SchemeLength) : "http";
  const authority = span(Head.AuthorityOffset, Head.AuthorityLength);
  const host = hostOf(span(Head.AuthorityOffset, Head.AuthorityNameLength));
  const pathLength = words[record + Head.PathOnlyLength]!,
    path = span(Head.PathOffset, Head.PathOnlyLength) || "/";
  const queryAt = at + words[record + Head.PathOffset]! + pathLength + QUESTION_MARK;
  const queryLength = words[record + Head.PathLength]! - pathLength - QUESTION_MARK;
  const query = withoutSecrets(text(queryAt, queryLength)), port = words[record + Head.AuthorityPort]!;
  const attributes: Attribute[] = [
    ["http.request.method", span(Head.MethodOffset, Head.MethodLength)],
    ["url.scheme", scheme],
    ["url.path", path],
    ["url.full", `${scheme}://${authority}${path}${query === "" ? "" : `?${query}`}`],
    ["network.transport", "tcp"],
  ];
  if (query !== "") attributes.push(["url.query", query]);
  if (host !== "") {
    attributes.push(["server.address", host], [
      "server.port",
      port >= 0 ? port : scheme === "https" ? 443 : 80,
    ]);
  }
  for (const [id, attribute] of HEADERS) {
    const entry = headerEntry(arena, id);
    if (entry < 0) continue;
    const from = at + words[entry + HeaderEntry.ValueOffset]!;
    attributes.push([attribute, text(from, words[entry + HeaderEntry.ValueLength]!)]);
  }
  return { path, attributes };
}
