/** An application that keeps every byte it is sent, connection by connection, and answers whole requests only. */
import { ok } from "node:assert/strict";
import { bytesOf, latin1, type Message, readRequests, Violation } from "./wire.ts";

export interface Received {
  /** All bytes of the connection so far. */
  text: string;
  isEnded: boolean;
}

/** What is answered to a request; bytes as they shall go out, and whether the connection then ends. */
export interface Answer {
  readonly bytes: string;
  readonly isLast?: boolean;
}

export class RawApplication {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #open = new Set<Deno.TcpConn>();
  readonly #serving: Promise<void>;
  readonly connections: Received[] = [];
  readonly #work = new Set<Promise<void>>();

  constructor(private answer: (request: Message) => Answer) {
    this.#serving = this.#accept();
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  /** Forgets what was received: the next case begins. */
  forget(): void {
    for (const connection of this.connections) connection.text = "";
  }

  /** Bytes received since. */
  get byteCount(): number {
    return this.connections.reduce((sum, { text }) => sum + text.length, 0);
  }

  /** Whole requests received since, as a careful reader sees them, and what else came. */
  read(): { requests: Message[]; rest: string } {
    const requests: Message[] = [];
    let rest = "";
    for (const { text } of this.connections) {
      const reading = readRequests(text);
      requests.push(...reading.messages);
      rest += reading.rest;
    }
    return { requests, rest };
  }

  async #accept(): Promise<void> {
    for await (const connection of this.#listener) {
      this.#open.add(connection);
      const received: Received = { text: "", isEnded: false };
      this.connections.push(received);
      const work = this.#serve(connection, received).finally(() => this.#work.delete(work));
      this.#work.add(work);
    }
  }

  async #serve(connection: Deno.TcpConn, received: Received): Promise<void> {
    const buffer = new Uint8Array(65536);
    let pending = "";
    try {
      for (;;) {
        const count = await connection.read(buffer);
        if (count === null) break;
        const text = latin1(buffer.subarray(0, count));
        received.text += text;
        pending += text;
        const { messages, rest } = readRequests(pending);
        pending = rest;
        for (const message of messages) {
          const { bytes, isLast } = this.answer(message);
          await connection.write(bytesOf(bytes));
          if (isLast) return;
        }
      }
    } catch (error) {
      // Bytes that are no request stay unanswered; the case looks at what was received.
      const isExpected = error instanceof Violation || error instanceof Deno.errors.ConnectionReset ||
        error instanceof Deno.errors.BrokenPipe || error instanceof Deno.errors.BadResource ||
        error instanceof Deno.errors.Interrupted;
      if (!isExpected) throw error;
    } finally {
      received.isEnded = true;
      this.#open.delete(connection);
      try {
        connection.close();
      } catch (error) {
        ok(error instanceof Deno.errors.BadResource, String(error)); // closed by `close`
      }
    }
  }

  async close(): Promise<void> {
    this.#listener.close();
    for (const connection of this.#open) connection.close();
    await this.#serving.catch((error) => ok(error instanceof Deno.errors.BadResource, String(error)));
    await Promise.all(this.#work);
  }
}
