/**
 * A way into the cluster's network from outside it: a socket in the file system. The first line names a service
 * (`namespace name port`), what follows is passed to one of its ready endpoints.
 */
import type { Informer } from "../kube/informer.ts";
import type { EndpointSlice, Service } from "../kube/kinds.ts";
import { joinStreams } from "./join_streams.ts";

const MAX_LINE = 256;

/** An address of a ready endpoint, or undefined. */
function endpointOf(
  services: Informer<Service>,
  slices: Informer<EndpointSlice>,
  namespace: string,
  name: string,
  port: number,
): { hostname: string; port: number } | undefined {
  const wanted = services.get(namespace, name)?.spec?.ports?.find((each) => each.port === port);
  if (wanted === undefined) return undefined;
  for (const slice of slices.list()) {
    if (
      slice.metadata?.namespace !== namespace ||
      slice.metadata.labels?.["kubernetes.io/service-name"] !== name
    ) continue;
    const target = slice.ports?.find((each) => (each.name ?? "") === (wanted.name ?? ""))?.port;
    const ready = slice.endpoints?.find((endpoint) => endpoint.conditions?.ready !== false);
    if (target !== undefined && ready?.addresses[0] !== undefined) {
      return { hostname: ready.addresses[0], port: target };
    }
  }
  return undefined;
}

/** Reads up to the first line feed. @returns the line and what came after it; undefined when there is none in time */
async function readLine(connection: Deno.Conn): Promise<{ line: string; rest: Uint8Array } | undefined> {
  const buffer = new Uint8Array(4096);
  let length = 0;
  while (length < MAX_LINE) {
    const count = await connection.read(buffer.subarray(length));
    if (count === null) return undefined;
    length += count;
    const end = buffer.subarray(0, length).indexOf(10);
    if (end >= 0) {
      return { line: new TextDecoder().decode(buffer.subarray(0, end)), rest: buffer.slice(end + 1, length) };
    }
  }
  return undefined;
}

/** Serves until `close`. */
export function serveRelay(
  path: string,
  services: Informer<Service>,
  slices: Informer<EndpointSlice>,
): { close(): void } {
  const listener = Deno.listen({ transport: "unix", path });
  const serve = async (near: Deno.Conn) => {
    const first = await readLine(near), [namespace = "", name = "", port = ""] = first?.line.split(" ") ?? [];
    const target = endpointOf(services, slices, namespace, name, Number(port));
    if (first === undefined || target === undefined) return near.close();
    let far: Deno.TcpConn;
    try {
      far = await Deno.connect(target);
    } catch {
      return near.close(); // the caller sees the end, as it would of any connection that was refused
    }
    await joinStreams(near, far, first.rest);
  };
  (async () => {
    for await (const connection of listener) serve(connection).catch(() => connection.close());
  })().catch((error) => console.error("relay:", error));
  return { close: () => listener.close() };
}
