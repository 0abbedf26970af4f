/** A request head in a loop's record, for tests of what looks at it there. */
import type { Arena } from "../worker/arena.ts";

export interface TestRequest {
  readonly method?: string;
  readonly target?: string;
  readonly host?: string;
  /** Field lines without their ends. */
  readonly headers?: readonly string[];
}

/** Parses the request at `arena.receiveAt`. @returns where it stands */
export function readRequest(arena: Arena, request: TestRequest): number {
  const { method = "GET", target = "/", host = "web.shop", headers = [] } = request;
  const lines = [`${method} ${target} HTTP/1.1`, `host: ${host}`, ...headers, "", ""];
  const at = arena.receiveAt, length = arena.writeAscii(at, lines.join("\r\n"));
  const read = arena.wasm.parseRequestHead(at, at + length, arena.recordAt, 0, 32768, 16384, 128);
  if (read !== length) throw new Error(`the test's request is malformed: ${JSON.stringify(request)}`);
  return at;
}
