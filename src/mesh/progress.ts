/**
 * Long work, told step by step: a line with the time it took for each step, and on a terminal the current one while
 * it runs. In a pipe the same lines come without control characters.
 */

export interface ProgressOutput {
  write(text: string): void;
  readonly isTerminal: boolean;
}

/** Standard error, where progress belongs: standard output is for results. */
export const STANDARD_ERROR: ProgressOutput = {
  write: (text) => {
    Deno.stderr.writeSync(new TextEncoder().encode(text));
  },
  get isTerminal() {
    return Deno.stderr.isTerminal();
  },
};

const CLEAR_LINE = "\r\x1b[2K";

export class Progress {
  readonly #startedAt: number;

  constructor(
    private readonly output: ProgressOutput = STANDARD_ERROR,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.#startedAt = now();
  }

  /** Seconds since the start. */
  get elapsedSeconds(): number {
    return (this.now() - this.#startedAt) / 1000;
  }

  /** Runs one step. `update` shows how far it is (on a terminal). Rethrows what the step throws, after saying so. */
  async step<T>(title: string, work: (update: (detail: string) => void) => Promise<T>): Promise<T> {
    const startedAt = this.now(), { isTerminal } = this.output;
    const show = (detail: string) => {
      if (isTerminal) this.output.write(`${CLEAR_LINE}· ${title}${detail === "" ? "" : ` ${detail}`}`);
    };
    const finish = (mark: string) => {
      const seconds = ((this.now() - startedAt) / 1000).toFixed(1);
      this.output.write(`${isTerminal ? CLEAR_LINE : ""}${mark} ${title} ${seconds} s\n`);
    };
    show("");
    try {
      const result = await work(show);
      finish("√");
      return result;
    } catch (error) {
      finish("×");
      throw error;
    }
  }

  /** A line between steps. */
  say(text: string): void {
    this.output.write(`${text}\n`);
  }
}
