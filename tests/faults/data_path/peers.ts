/** What the faults of the data path are tried with: peers that misbehave, and a client that counts. */
import { ok } from "node:assert/strict";
import type { Arena } from "../../../src/proxy/worker/arena.ts";
import type { Loop } from "../../../src/proxy/worker/loop.ts";
import { bytesOf, latin1, readResponses } from "../../conformance/http1/wire.ts";

export const WEB = "web.shop.svc.cluster.local:80";
export const GET = "GET /a HTTP/1.1\r\nHost: web\r\n\r\n";

/** The connection went away under us, in whichever way the system tells. */
export function isGone(error: unknown): boolean {
  return error instanceof Deno.errors.ConnectionReset || error instanceof Deno.errors.BrokenPipe ||
    error instanceof Deno.errors.BadResource || error instanceof Deno.errors.Interrupted ||
    error instanceof Deno.errors.ConnectionAborted || error instanceof Deno.errors.NotConnected;
}

export function openDescriptors(): number {
  return [...Deno.readDirSync("/proc/self/fd")].length;
}

/** Buffers, cells and tables that are not in use. */
export function stockOf(arena: Arena): { slots: number; cells: number; tables: number } {
  const cells: number[] = [], tables: number[] = [];
  for (let cell = arena.takeCell(); cell !== 0; cell = arena.takeCell()) cells.push(cell);
  for (let table = arena.takeTable(); table !== 0; table = arena.takeTable()) tables.push(table);
  for (const cell of cells.reverse()) arena.giveCell(cell);
  for (const table of tables.reverse()) arena.giveTable(table);
  return { slots: arena.slots.used, cells: cells.length, tables: tables.length };
}

/** Lets `ms` pass for the timers of `lane` (milliseconds), at once; the next turn of the loop is back in its time. */
export function elapse(loop: Loop, lane: number, ms = lane): void {
  loop.now += ms * 1000 + 1;
  loop.lane(lane).expire(loop.now);
}

/** Waits until `isSo`, a turn of the event loop at a time. */
export async function until(what: string, isSo: () => boolean, turns = 5000): Promise<void> {
  for (let turn = 0; turn < turns && !isSo(); turn++) await new Promise((done) => setTimeout(done, 1));
  ok(isSo(), what);
}

/** A TCP server; what it does with a connection is the case's. Connections that `serve` leaves open stay so. */
export class Server {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly connections: Deno.TcpConn[] = [];
  readonly #serving: Promise<void>;
  readonly #work: Promise<void>[] = [];

  constructor(serve: (connection: Deno.TcpConn) => Promise<void>) {
    this.#serving = (async () => {
      for await (const connection of this.#listener) {
        this.connections.push(connection);
        this.#work.push(
          serve(connection).catch((error) => {
            if (!isGone(error)) throw error;
          }),
        );
      }
    })();
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  async close(): Promise<void> {
    this.#listener.close();
    for (const connection of this.connections) closeIfOpen(connection);
    await this.#serving.catch((error) => ok(isGone(error), String(error)));
    await Promise.all(this.#work);
  }
}

export function closeIfOpen(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch (error) {
    if (!isGone(error)) throw error;
  }
}

/** An HTTP/1 client of one kept connection. */
export class Client {
  #text = "";
  private constructor(readonly connection: Deno.TcpConn) {}

  static async connect(port: number): Promise<Client> {
    return new Client(await Deno.connect({ hostname: "127.0.0.1", port }));
  }

  async say(text: string): Promise<void> {
    for (let left = bytesOf(text); left.length > 0;) left = left.subarray(await this.connection.write(left));
  }

  /** The next response: its status and whether the connection ends with it; undefined when it ended before. */
  async hear(): Promise<{ status: number; body: string; isLast: boolean } | undefined> {
    const buffer = new Uint8Array(65536);
    for (;;) {
      const { messages, rest } = readResponses(this.#text, [], false), [message] = messages;
      if (message !== undefined) {
        ok(messages.length === 1 && rest === "", "one response");
        this.#text = "";
        const isLast = message.fields.some(([name, value]) => name === "connection" && value === "close");
        return { status: Number(message.start.slice(9, 12)), body: message.body, isLast };
      }
      const count = await this.connection.read(buffer);
      if (count === null) return undefined;
      this.#text += latin1(buffer.subarray(0, count));
    }
  }

  async ask(text = GET): Promise<{ status: number; body: string; isLast: boolean } | undefined> {
    try {
      await this.say(text);
      return await this.hear();
    } catch (error) {
      if (!isGone(error)) throw error;
      return undefined;
    }
  }

  close(): void {
    closeIfOpen(this.connection);
  }
}
