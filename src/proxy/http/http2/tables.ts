/** The two HPACK tables that a connection needs, from the loop's arena. */
import type { Arena } from "../../worker/arena.ts";

function take(arena: Arena): [number, number] | undefined {
  const first = arena.takeTable(), second = arena.takeTable();
  if (second !== 0) return [first, second];
  if (first !== 0) arena.giveTable(first);
  return undefined;
}

/**
 * When none are left, the client's connection that has been idle longest makes room.
 *
 * @param clientIp for whose connection; undefined for one that the proxy makes
 * @returns undefined when there is no room for another connection
 */
export function takeTables(arena: Arena, clientIp?: string): [number, number] | undefined {
  const tables = take(arena);
  if (tables !== undefined || !arena.http2Connections.makeRoom(clientIp)) return tables;
  return take(arena);
}
