/** Begins to serve HTTP/2 on a connection, whichever direction it came from. */
import { type ProxyError, proxyError } from "../../error.ts";
import { CLOSED_BY_PROXY, type Stream } from "../../worker/stream.ts";
import type { Log } from "../../telemetry/log.ts";
import type { Pipeline } from "../pipeline.ts";
import { ServerConnection } from "./server_connection.ts";
import { takeTables } from "./tables.ts";

/** The direction's view of the connection. */
export interface Served {
  /** Ends what the connection has become; for shutdown. */
  drain: (isForced: boolean) => void;
  ended(errno: string): void;
  countError(error: ProxyError): void;
  readonly client: { readonly ip: string };
  readonly runtime: { readonly log: Log };
}

/**
 * @param pipelineOf what decides for one request; called once for each stream object
 * @returns undefined when the loop has no room for another HTTP/2 connection: it has been ended
 */
export function serveHttp2(
  stream: Stream,
  connection: Served,
  pipelineOf: () => Pipeline,
): ServerConnection | undefined {
  const tables = takeTables(stream.arena, connection.client.ip);
  if (tables === undefined) {
    connection.runtime.log.warn("an HTTP/2 connection was refused", {
      client: connection.client.ip,
      error: "as many as there is room for are in use",
    });
    connection.ended("loadshed");
    stream.abort();
    return undefined;
  }
  const server = new ServerConnection(
    stream,
    tables,
    connection.client.ip,
    pipelineOf,
    (errno) => connection.ended(errno),
    (reason) => connection.countError(proxyError("bad-request", `a field block is malformed: ${reason}`)),
  );
  if (!server.greet()) return undefined;
  connection.drain = (isForced) => isForced ? stream.fail(CLOSED_BY_PROXY) : server.drain();
  return server;
}
