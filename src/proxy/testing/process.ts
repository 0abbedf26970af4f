/** The proxy as a process of its own, from its bundle, against the control services of a test. */
import type { ControlServices } from "./control_services.ts";
import { TEST_ENVIRONMENT } from "./environment.ts";

const BUNDLE = new URL("../../../dist/proxy.js", import.meta.url).pathname;

export interface ProxyProcess {
  readonly pid: number;
  readonly inboundPort: number;
  readonly outboundPort: number;
  readonly admin: string;
  /** Milliseconds from spawn to the line that says `ready`. */
  readonly readyMs: number;
  readonly lines: readonly string[];
  /** Resolves once a line contains `text`. */
  logged(text: string): Promise<void>;
  /** Ends it, when it has not ended yet. @returns its exit code */
  stop(signal?: Deno.Signal): Promise<number>;
  readonly status: Promise<Deno.CommandStatus>;
}

export interface ProcessOptions {
  readonly name: string;
  /** PEM. */
  readonly anchors: string;
  readonly control: ControlServices;
  readonly environment?: Readonly<Record<string, string>>;
  readonly script?: string;
  readonly arguments?: readonly string[];
}

async function* linesOf(...streams: ReadableStream<Uint8Array<ArrayBuffer>>[]): AsyncGenerator<string> {
  for (const stream of streams) {
    let rest = "";
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop()!;
      yield* lines;
    }
    if (rest !== "") yield rest;
  }
}

/** The environment of a proxy whose control services are `control`. */
export function environmentFor(
  { name, anchors, control, environment }: ProcessOptions,
): Record<string, string> {
  const address = `localhost.:${control.port}`;
  return {
    ...TEST_ENVIRONMENT,
    LINKERD2_PROXY_IDENTITY_LOCAL_NAME: name,
    LINKERD2_PROXY_IDENTITY_TRUST_ANCHORS: anchors,
    LINKERD2_PROXY_IDENTITY_TOKEN_FILE: "/dev/null",
    LINKERD2_PROXY_IDENTITY_SVC_ADDR: address,
    LINKERD2_PROXY_DESTINATION_SVC_ADDR: address,
    LINKERD2_PROXY_POLICY_SVC_ADDR: address,
    ...environment,
  };
}

/** Starts a proxy and waits until it is ready. */
export async function startProcess(options: ProcessOptions): Promise<ProxyProcess> {
  const started = performance.now();
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ..."run --no-lock --quiet -A --v8-flags=--max-semi-space-size=1,--expose-gc".split(" "),
      ...(options.script === undefined ? ["--no-config"] : []), // sources need the import map
      options.script ?? BUNDLE,
      ...options.arguments ?? [],
    ],
    env: environmentFor(options),
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const lines: string[] = [];
  let waiting: (() => void)[] = [], isEnded = false, readyMs = 0;
  const wake = () => {
    const woken = waiting;
    waiting = [];
    for (const one of woken) one();
  };
  const read = async (stream: ReadableStream<Uint8Array<ArrayBuffer>>) => {
    for await (const line of linesOf(stream)) {
      lines.push(line);
      if (readyMs === 0 && line.includes("linkerd: ready")) readyMs = performance.now() - started;
      wake();
    }
  };
  const reading = Promise.all([read(child.stdout), read(child.stderr)]).then(() => {
    isEnded = true;
    wake();
  });
  const logged = async (text: string) => {
    while (!lines.some((line) => line.includes(text))) {
      if (isEnded) throw new Error(`the proxy ended before it said "${text}":\n${lines.join("\n")}`);
      await new Promise<void>((done) => waiting.push(done));
    }
  };
  await logged("linkerd: ready");
  const line = lines.find((one) => one.includes("linkerd: ready"))!;
  const address = (field: string) => new RegExp(`${field}=(\\S+)`).exec(line)![1]!;
  const port = (field: string) => Number(address(field).split(":").at(-1));
  let hasExited = false;
  const status = child.status.finally(() => hasExited = true);
  return {
    pid: child.pid,
    inboundPort: port("inbound"),
    outboundPort: port("outbound"),
    admin: `http://${address("admin")}`,
    readyMs,
    lines,
    logged,
    status,
    stop: async (signal = "SIGTERM") => {
      if (!hasExited) child.kill(signal);
      const { code } = await status;
      await reading;
      return code;
    },
  };
}
