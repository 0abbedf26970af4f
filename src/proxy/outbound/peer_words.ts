/**
 * What a peer proxy says in the head of a response to the proxy that asked, and to nobody behind it.
 * Source: proxy.md §7 (l5d-proxy-error, l5d-proxy-connection).
 */
import { HeaderName } from "../../wasm/http1.ts";
import type { Endpoint } from "../connect/endpoint.ts";
import { hasHeader, headerText } from "../http/record.ts";
import type { Log } from "../telemetry/log.ts";
import type { Arena } from "../worker/arena.ts";

/** A peer's text that is logged. */
const MAX_TEXT = 512;

/**
 * Logs why the peer failed the request, if it says so.
 * @returns whether the client's connection is to be closed: where it leads to one endpoint alone, that is what the peer
 * wants, which has closed its own; one of a balancer's endpoints says nothing about the others
 */
export function heedPeer(arena: Arena, at: number, endpoint: Endpoint, log: Log): boolean {
  if (hasHeader(arena, HeaderName.L5dProxyError)) {
    const error = headerText(arena, at, HeaderName.L5dProxyError).slice(0, MAX_TEXT);
    log.info("a peer proxy failed the request", { direction: "outbound", endpoint: endpoint.name, error });
  }
  return endpoint.isMeshed && endpoint.isDirect && hasHeader(arena, HeaderName.L5dProxyConnection) &&
    headerText(arena, at, HeaderName.L5dProxyConnection).toLowerCase() === "close";
}
