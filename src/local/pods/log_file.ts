/**
 * What a container writes, kept line by line with its time and stream, as container runtimes keep it:
 * `2026-01-02T03:04:05.678Z stdout F text`. Bounded: an older half is dropped when a file is full.
 *
 * Written synchronously, a chunk at a time: the files are in memory, and so a reader that takes what is there and then
 * follows can neither miss a line nor see one twice.
 */
export interface LogOptions {
  /** Bytes of one file; two are kept. Default 4 MiB. */
  readonly fileBytes?: number;
}

export interface ReadOptions {
  /** Goes on with what comes, until the container ends. */
  readonly follow?: boolean;
  readonly tailLines?: number;
  readonly sinceSeconds?: number;
  readonly sinceTime?: Date;
  /** Puts each line's time in front of it. */
  readonly timestamps?: boolean;
  readonly limitBytes?: number;
  readonly signal?: AbortSignal;
}

/** A line longer than this is cut into partial ones. */
const LINE_BYTES = 16_384;
const NEWLINE = 10;
const encoder = new TextEncoder(), decoder = new TextDecoder();

type Stream = "stdout" | "stderr";
type Listener = { line(text: string): void; end(): void };

export class LogFile {
  readonly #path: string;
  readonly #limit: number;
  readonly #rest: Record<Stream, Uint8Array> = { stdout: new Uint8Array(), stderr: new Uint8Array() };
  readonly #listeners = new Set<Listener>();
  #file: Deno.FsFile | undefined;
  #size = 0;

  /** @param path its directory must exist */
  constructor(path: string, options: LogOptions = {}) {
    this.#path = path;
    this.#limit = options.fileBytes ?? 4 << 20;
    this.#file = Deno.openSync(path, { create: true, append: true });
  }

  /** Takes bytes as they come; what is no whole line yet is kept for later. */
  write(stream: Stream, chunk: Uint8Array, now = new Date()): void {
    if (this.#file === undefined) return;
    const before = this.#rest[stream];
    const bytes = before.length === 0 ? chunk : joined(before, chunk);
    const lines: string[] = [];
    const prefix = `${now.toISOString()} ${stream}`;
    let at = 0;
    while (true) {
      const end = bytes.indexOf(NEWLINE, at);
      const isWhole = end >= 0 && end - at <= LINE_BYTES;
      if (!isWhole && bytes.length - at < LINE_BYTES) break;
      const to = isWhole ? end : at + LINE_BYTES;
      lines.push(`${prefix} ${isWhole ? "F" : "P"} ${decoder.decode(bytes.subarray(at, to))}\n`);
      at = isWhole ? end + 1 : to;
    }
    this.#rest[stream] = bytes.slice(at);
    this.#append(lines);
  }

  /** Writes one line of ours. */
  writeLine(stream: Stream, text: string): void {
    this.write(stream, encoder.encode(`${text}\n`));
  }

  #append(lines: readonly string[]): void {
    if (lines.length === 0) return;
    const bytes = encoder.encode(lines.join(""));
    for (let at = 0; at < bytes.length;) at += this.#file!.writeSync(bytes.subarray(at));
    this.#size += bytes.length;
    if (this.#size >= this.#limit) this.#rotate();
    for (const listener of this.#listeners) for (const line of lines) listener.line(line);
  }

  #rotate(): void {
    this.#file?.close();
    Deno.renameSync(this.#path, `${this.#path}.1`);
    this.#file = Deno.openSync(this.#path, { create: true, append: true });
    this.#size = 0;
  }

  /** The container has ended: a last line without its end is written, followers are let go. */
  close(): void {
    if (this.#file === undefined) return;
    for (const stream of ["stdout", "stderr"] as const) {
      if (this.#rest[stream].length > 0) this.write(stream, Uint8Array.of(NEWLINE));
    }
    this.#file.close();
    this.#file = undefined;
    for (const listener of [...this.#listeners]) listener.end();
    this.#listeners.clear();
  }

  get isOpen(): boolean {
    return this.#file !== undefined;
  }

  #lines(): string[] {
    const text = [`${this.#path}.1`, this.#path].map((path) => {
      try {
        return Deno.readTextFileSync(path);
      } catch (error) {
        if (error instanceof Deno.errors.NotFound) return "";
        throw error;
      }
    }).join("");
    return text === "" ? [] : text.slice(0, -1).split("\n").map((line) => `${line}\n`);
  }

  /** The end of what was written, for a termination message. */
  tail(lines: number, bytes: number): string {
    return this.#lines().slice(-lines).map((line) => textOf(line, false)).join("").slice(-bytes);
  }

  /** Text of the log, in the shape `kubectl logs` asks for. */
  read(options: ReadOptions = {}): ReadableStream<Uint8Array> {
    const since = options.sinceTime !== undefined
      ? options.sinceTime.toISOString()
      : options.sinceSeconds !== undefined
      ? new Date(Date.now() - options.sinceSeconds * 1000).toISOString()
      : "";
    let lines = this.#lines().filter((line) => line >= since);
    if (options.tailLines !== undefined) lines = options.tailLines > 0 ? lines.slice(-options.tailLines) : [];
    let room = options.limitBytes ?? Infinity;
    let listener: Listener | undefined;
    const stop = () => void (listener !== undefined && this.#listeners.delete(listener));
    return new ReadableStream<Uint8Array>({
      start: (controller) => {
        const end = () => {
          stop();
          try {
            controller.close();
          } catch {
            // Closed already: by its limit, or by the reader.
          }
        };
        const push = (line: string) => {
          const bytes = encoder.encode(textOf(line, options.timestamps ?? false)).subarray(0, room);
          room -= bytes.length;
          if (bytes.length > 0) controller.enqueue(bytes);
          if (room <= 0) end();
        };
        for (const line of lines) {
          if (room <= 0) return;
          push(line);
        }
        if (room <= 0) return;
        if (!options.follow || !this.isOpen || options.signal?.aborted) return end();
        listener = { line: push, end };
        this.#listeners.add(listener);
        options.signal?.addEventListener("abort", end, { once: true });
      },
      cancel: stop,
    });
  }
}

/** A kept line as it was written: without time, stream and mark, and its end only where it had one. */
function textOf(line: string, hasTime: boolean): string {
  const [time = "", stream = "", mark = ""] = line.split(" ", 3);
  const content = line.slice(time.length + stream.length + mark.length + 3);
  const text = mark === "P" ? content.slice(0, -1) : content;
  return hasTime ? `${time} ${text}` : text;
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}
