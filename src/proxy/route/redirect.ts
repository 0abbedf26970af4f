/**
 * Redirects: where a request is sent instead, said in a Location of the request's own parts and the filter's.
 * Source: protocol-api.md §4 (RequestRedirect, PathModifier); Gateway API, HTTPRequestRedirectFilter.
 */
import { Head } from "../../wasm/http1.ts";
import { type ProxyError, proxyError } from "../error.ts";
import type { Arena } from "../worker/arena.ts";
import type { RedirectFilter } from "./filters.ts";

const SCHEME = /^[a-z][a-z0-9+.-]*$/, HOST = /^(?:[a-z0-9_.-]+|\[[0-9a-f:.]+\])$/i, PATH = /^\/[\x21-\x7e]*$/;
const DEFAULT_PORTS: Readonly<Record<string, number>> = { http: 80, https: 443 };

/** Why the filter cannot be followed, whatever the request. */
export function redirectProblem({ scheme, host, port, path, status }: RedirectFilter): string | undefined {
  if (scheme !== undefined && !SCHEME.test(scheme)) return `${JSON.stringify(scheme)} is no scheme`;
  if (host !== undefined && !HOST.test(host)) return `${JSON.stringify(host)} is no host`;
  if (port !== undefined && (port < 1 || port > 65535)) return `${port} is no port`;
  if (status < 300 || status > 399) return `${status} is no redirect's status`;
  if (path !== undefined && !PATH.test(path.kind === "full" ? path.value : rooted(path.value))) {
    return `${JSON.stringify(path.value)} is no path`;
  }
  return undefined;
}

function rooted(path: string): string {
  return path.startsWith("/") ? path : `/${path}`;
}

/** What may not stand in a URI as it is (RFC 3986 §2): the target's own bytes are the client's. */
function escaped(text: string): string {
  return text.replace(
    /[^\x21-\x7e]/g,
    (character) => `%${character.charCodeAt(0).toString(16).padStart(2, "0").toUpperCase()}`,
  );
}

/** The parts of the request in the record (offsets from `at`). */
function partsOf(arena: Arena, at: number) {
  const { words } = arena.memory, record = arena.recordAt >> 2;
  const text = (offset: Head, length: number) =>
    escaped(arena.readAscii(at + words[record + offset]!, length));
  const schemeLength = words[record + Head.SchemeLength]!, port = words[record + Head.AuthorityPort]!;
  const pathOnly = words[record + Head.PathOnlyLength]!;
  const target = text(Head.PathOffset, words[record + Head.PathLength]!);
  return {
    scheme: schemeLength === 0 ? "http" : text(Head.SchemeOffset, schemeLength).toLowerCase(),
    authority: text(Head.AuthorityOffset, words[record + Head.AuthorityLength]!),
    host: text(Head.AuthorityOffset, words[record + Head.AuthorityNameLength]!),
    port: port < 0 ? undefined : port,
    path: pathOnly === 0 ? "/" : text(Head.PathOffset, pathOnly),
    target: rooted(target),
    query: target.includes("?") ? target.slice(target.indexOf("?")) : "",
  };
}

type Parts = ReturnType<typeof partsOf>;

function authorityOf(filter: RedirectFilter, parts: Parts, scheme: string): string {
  const { host, port } = filter;
  if (host === undefined && port === undefined) return parts.authority;
  if (host !== undefined && port !== undefined) return `${host}:${port}`;
  const stands = port ?? parts.port, name = host ?? parts.host;
  return stands === undefined || DEFAULT_PORTS[scheme] === stands ? name : `${name}:${stands}`;
}

/** @returns undefined when the prefix is to be replaced, and the match took none */
function targetOf({ path }: RedirectFilter, parts: Parts, prefixLength: number): string | undefined {
  if (path === undefined) return parts.target;
  if (path.kind === "full") return path.value;
  if (prefixLength < 0) return undefined;
  const rest = parts.path.slice(prefixLength), base = rooted(path.value).replace(/\/+$/, "");
  return (rest === "" || rest.startsWith("/") ? base + rest || "/" : `${base}/${rest}`) + parts.query;
}

/**
 * The answer to the request in the record (offsets from `at`).
 * @param prefixLength bytes of the path that the match took as a prefix; -1: none
 * @returns undefined when the request is where it should be: it goes on
 */
export function redirect(
  filter: RedirectFilter,
  arena: Arena,
  at: number,
  prefixLength: number,
): ProxyError | undefined {
  const parts = partsOf(arena, at), scheme = filter.scheme ?? parts.scheme;
  const authority = authorityOf(filter, parts, scheme), target = targetOf(filter, parts, prefixLength);
  if (target === undefined) {
    return proxyError("invalid-policy", "a redirect's match took no prefix to replace");
  }
  if (authority === "") return proxyError("invalid-policy", "a redirect has no host to go to");
  const location = `${scheme}://${authority}${target}`;
  if (location === `${parts.scheme}://${parts.authority}${parts.target}`) return undefined;
  return { ...proxyError("redirect", "the route redirects", filter.status), location };
}
