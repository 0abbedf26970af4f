/**
 * What a command reads, writes and asks of the world. Tests hand in their own, so that a whole command line runs in
 * the test's process.
 */
import type { KubeClient } from "../kube/client.ts";
import type { GlobalOptions } from "./global_options.ts";

/** The cluster a command talks to. */
export interface Connection {
  readonly client: KubeClient;
  /** Of the kubeconfig's context; `default` where it names none. */
  readonly namespace: string;
  /** The API server's address, for messages. */
  readonly server: string;
  close(): void;
}

export interface Environment {
  /** To standard output: results alone, so that pipes stay clean. */
  print(text: string): void;
  /** To standard error: everything for people. */
  tell(text: string): void;
  /** Whether standard error is a terminal. */
  readonly isTerminal: boolean;
  /** Whether standard output is one: then what was printed may be drawn over. */
  readonly isOutputTerminal: boolean;
  readStandardInput(): Promise<string>;
  variable(name: string): string | undefined;
  /** Milliseconds since the epoch. */
  now(): number;
  /** Waits; a test's environment need not. */
  sleep(milliseconds: number): Promise<void>;
  connect(options: GlobalOptions): Promise<Connection>;
  fetch(url: string, headers?: Readonly<Record<string, string>>): Promise<Response>;
  /** Resolves with the name of the signal that asks for the end. */
  interrupted(): Promise<string>;
  /** Runs another program with this one's input and outputs. @returns its exit code */
  run(program: string, args: readonly string[]): Promise<number>;
  /** Runs another program. @returns what it wrote to its standard output, whatever its exit code */
  capture(program: string, args: readonly string[]): Promise<string>;
}

function writeAll(stream: { writeSync(bytes: Uint8Array): number }, text: string): void {
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length;) at += stream.writeSync(bytes.subarray(at));
}

/** The process's own. */
export const SYSTEM: Environment = {
  print: (text) => writeAll(Deno.stdout, text),
  tell: (text) => writeAll(Deno.stderr, text),
  get isTerminal() {
    return Deno.stderr.isTerminal();
  },
  get isOutputTerminal() {
    return Deno.stdout.isTerminal();
  },
  readStandardInput: () => new Response(Deno.stdin.readable).text(),
  variable: (name) => Deno.env.get(name),
  now: () => Date.now(),
  sleep: (milliseconds) => new Promise((done) => setTimeout(done, milliseconds)),
  connect: async (options) => (await import("./connect.ts")).connect(options),
  fetch: (url, headers) => fetch(url, headers === undefined ? {} : { headers }),
  interrupted: () =>
    new Promise((done) => {
      for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
        Deno.addSignalListener(signal, () => done(signal));
      }
    }),
  run: async (program, args) => (await new Deno.Command(program, { args: [...args] }).spawn().status).code,
  capture: async (program, args) => {
    const { stdout } = await new Deno.Command(program, { args: [...args], stderr: "inherit" }).output();
    return new TextDecoder().decode(stdout);
  },
};
