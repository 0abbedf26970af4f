/** Reads a server stream message by message, with a limit on how long a test waits for one. */
import type { ClientReadableStream } from "@grpc/grpc-js";

export class StreamReader<Message> {
  readonly #stream: ClientReadableStream<Message>;
  readonly #messages: Message[] = [];
  #wake = () => {};
  #end: { code: number; details: string } | undefined;

  constructor(stream: ClientReadableStream<Message>) {
    this.#stream = stream;
    stream.on("data", (message: Message) => {
      this.#messages.push(message);
      this.#wake();
    });
    stream.on("error", (error: Error & { code: number; details: string }) => this.#ended(error));
    stream.on("end", () => this.#ended({ code: 0, details: "ended" }));
  }

  #ended(end: { code: number; details: string }): void {
    this.#end ??= end;
    this.#wake();
  }

  /** The next message; rejects when the stream ends first. */
  async next(): Promise<Message> {
    await this.#until(() => this.#messages.length > 0 || this.#end !== undefined);
    const message = this.#messages.shift();
    if (message === undefined) throw new Error(`stream ended: ${this.#end!.code} ${this.#end!.details}`);
    return message;
  }

  /** The status the stream ended with; what was sent before is dropped. */
  async end(): Promise<{ code: number; details: string }> {
    await this.#until(() => this.#end !== undefined);
    return this.#end!;
  }

  /** Messages that came and were not read. */
  get pending(): number {
    return this.#messages.length;
  }

  cancel(): void {
    this.#stream.cancel();
  }

  async #until(isDone: () => boolean): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error("nothing came within 5 s")), 5_000);
    });
    try {
      while (!isDone()) await Promise.race([new Promise<void>((resolve) => this.#wake = resolve), late]);
    } finally {
      clearTimeout(timer);
    }
  }
}
