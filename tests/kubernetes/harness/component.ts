/** A process of the node: started, stopped and started again by name; what it says goes to a file of its name. */

export interface ComponentOptions {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
  readonly directory: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Told when it ends without having been stopped. */
  readonly onEnd: (name: string, code: number) => void;
}

export class Component {
  #child: Deno.ChildProcess | undefined;
  #logging: Promise<unknown> = Promise.resolve();

  constructor(private readonly options: ComponentOptions) {}

  get isRunning(): boolean {
    return this.#child !== undefined;
  }

  start(): void {
    if (this.#child !== undefined) return;
    const { name, command: [program, ...args], directory, environment, onEnd } = this.options;
    const child = new Deno.Command(program, {
      args,
      env: { ...environment },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#child = child;
    const append = async (stream: ReadableStream<Uint8Array>) => {
      using file = await Deno.open(`${directory}/${name}.log`, { append: true, create: true });
      // Not pipeTo: it gathers 64 KiB before it writes, and a log is read while its process runs.
      for await (const chunk of stream) {
        for (let at = 0; at < chunk.length;) at += await file.write(chunk.subarray(at));
      }
    };
    this.#logging = Promise.all([append(child.stdout), append(child.stderr)]);
    child.status.then(({ code }) => {
      if (this.#child !== child) return;
      this.#child = undefined;
      onEnd(name, code);
    });
  }

  /** Resolves when it has ended. */
  async stop(signal: Deno.Signal): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    this.#child = undefined;
    child.kill(signal);
    await child.status;
    await this.#logging;
  }
}
