/** A client of the store: one connection at a time, made again when it breaks; a command is repeated once. */

export class StoreClient {
  #connection: Deno.TcpConn | undefined;
  #queue: Promise<unknown> = Promise.resolve();
  #uses = 0;
  readonly #buffer = new Uint8Array(1024);

  constructor(private readonly host: string, private readonly port: number) {}

  /** Adds one to `key`. @returns the new value */
  increment(key: string): Promise<number> {
    const result = this.#queue.then(() => this.#tryTwice(`INCR ${key}\n`));
    this.#queue = result.catch(() => {}); // the caller has the failure; the next command goes on
    return result;
  }

  async #tryTwice(command: string): Promise<number> {
    try {
      return await this.#send(command);
    } catch {
      // The store was rolled, or the connection idled out: a new one decides.
      this.close();
      return await this.#send(command);
    }
  }

  async #send(command: string): Promise<number> {
    // A fresh connection now and then, as pools have it.
    if (++this.#uses % 50 === 0) this.close();
    if (this.#connection === undefined) {
      this.#connection = await Deno.connect({ hostname: this.host, port: this.port });
      const greeting = await this.#line();
      if (!greeting.startsWith("+READY")) throw new Error(`not a store: ${greeting}`);
    }
    await this.#connection.write(new TextEncoder().encode(command));
    const answer = await this.#line();
    if (!answer.startsWith(":")) throw new Error(answer);
    return Number(answer.slice(1));
  }

  async #line(): Promise<string> {
    let text = "";
    while (!text.endsWith("\n")) {
      const count = await this.#connection!.read(this.#buffer);
      if (count === null) throw new Error("the store closed the connection");
      text += new TextDecoder().decode(this.#buffer.subarray(0, count));
    }
    return text.trim();
  }

  close(): void {
    this.#connection?.close();
    this.#connection = undefined;
  }
}
