/** Asks a container how it is, once: over HTTP, by a TCP connection, or by a command inside it. Source: kubelet's prober. */
import type { Container, Probe } from "../../kube/kinds.ts";

export type ProbeResult = { readonly isOk: true } | { readonly isOk: false; readonly message: string };

/** Runs a command inside the container; the exit status and the beginning of what it wrote. */
export type Exec = (
  command: readonly string[],
  signal: AbortSignal,
) => Promise<{ code: number; output: string }>;

export interface ProbeTarget {
  readonly address: string;
  readonly container: Container;
  readonly exec: Exec;
}

/** What a probe or a lifecycle hook does. */
export type Action = Pick<Probe, "exec" | "httpGet" | "tcpSocket" | "grpc">;

const OK: ProbeResult = { isOk: true };
const failed = (message: string): ProbeResult => ({ isOk: false, message });
const HEAD_LIMIT = 16_384;

function portOf(port: string | number, container: Container): number {
  const number = typeof port === "number"
    ? port
    : /^[0-9]+$/.test(port)
    ? Number(port)
    : container.ports?.find(({ name }) => name === port)?.containerPort;
  if (number === undefined) throw new Error(`container "${container.name}" has no port named "${port}"`);
  return number;
}

/**
 * Does what a probe says. Never rejects: what goes wrong is the result.
 * @param timeoutMs after which it has failed
 */
export async function runProbe(action: Action, target: ProbeTarget, timeoutMs: number): Promise<ProbeResult> {
  const expired = new AbortController();
  const timer = setTimeout(() => expired.abort(), timeoutMs);
  try {
    if (action.exec !== undefined) {
      const { code, output } = await target.exec(action.exec.command ?? [], expired.signal);
      if (expired.signal.aborted) return failed(`command timed out after ${timeoutMs} ms`);
      return code === 0 ? OK : failed(`command exited with ${code}: ${output.trim()}`);
    }
    if (action.httpGet !== undefined) return await probeHttp(action.httpGet, target, expired.signal);
    // A gRPC health check is reduced to its connection.
    const { port, host } = action.tcpSocket ?? { ...action.grpc, host: undefined };
    const number = portOf(port ?? 0, target.container);
    (await connect(host || target.address, number, expired.signal)).close();
    return OK;
  } catch (error) {
    return failed(expired.signal.aborted ? `no answer within ${timeoutMs} ms` : (error as Error).message);
  } finally {
    clearTimeout(timer);
  }
}

async function connect(hostname: string, port: number, signal: AbortSignal): Promise<Deno.TcpConn> {
  return await Deno.connect({ hostname, port, signal });
}

type HttpGet = NonNullable<Action["httpGet"]>;

async function probeHttp(get: HttpGet, target: ProbeTarget, signal: AbortSignal): Promise<ProbeResult> {
  const host = get.host || target.address, port = portOf(get.port, target.container);
  const isTls = (get.scheme ?? "HTTP").toUpperCase() === "HTTPS";
  const headers = new Map([["Host", `${host}:${port}`], ["User-Agent", "kube-probe/1.35"], [
    "Accept",
    "*/*",
  ]]);
  for (const { name, value } of get.httpHeaders ?? []) headers.set(name, value);
  const path = (get.path ?? "/").replace(/^(?!\/)/, "/");
  const request = `GET ${path} HTTP/1.1\r\n${
    [...headers].map(([name, value]) => `${name}: ${value}\r\n`).join("")
  }Connection: close\r\n\r\n`;
  const head = await (isTls ? exchangeTls : exchange)(host, port, request, signal);
  const status = Number(/^HTTP\/1\.[01] ([0-9]{3})/.exec(head)?.[1]);
  if (Number.isNaN(status)) return failed(`${host}:${port} does not answer in HTTP/1`);
  return status >= 200 && status < 400 ? OK : failed(`HTTP probe failed with statuscode: ${status}`);
}

/** Sends a request and takes the beginning of the answer, its first line at least. */
async function exchange(host: string, port: number, request: string, signal: AbortSignal): Promise<string> {
  const connection = await connect(host, port, signal);
  const close = () => connection.close();
  signal.addEventListener("abort", close, { once: true });
  try {
    await connection.write(new TextEncoder().encode(request));
    const buffer = new Uint8Array(HEAD_LIMIT);
    let length = 0;
    while (length < HEAD_LIMIT) {
      const count = await connection.read(buffer.subarray(length));
      if (count === null) break;
      length += count;
      if (buffer.subarray(0, length).includes(10)) break;
    }
    return new TextDecoder().decode(buffer.subarray(0, length));
  } finally {
    signal.removeEventListener("abort", close);
    if (!signal.aborted) close();
  }
}

/** The same by TLS; whose certificate it is does not matter to a probe. */
async function exchangeTls(
  host: string,
  port: number,
  request: string,
  signal: AbortSignal,
): Promise<string> {
  const { connect: connectTls } = await import("node:tls");
  return await new Promise((resolve, reject) => {
    const socket = connectTls({ host, port, rejectUnauthorized: false });
    let text = "";
    const end = (settle: () => void) => {
      signal.removeEventListener("abort", expire);
      socket.destroy();
      settle();
    };
    const expire = () => end(() => reject(new Error("timed out")));
    signal.addEventListener("abort", expire, { once: true });
    socket.on("secureConnect", () => socket.write(request));
    socket.on("error", (error: Error) => end(() => reject(error)));
    socket.on("close", () => end(() => resolve(text)));
    socket.on("data", (bytes: Uint8Array) => {
      text += new TextDecoder().decode(bytes);
      if (text.includes("\n") || text.length > HEAD_LIMIT) end(() => resolve(text));
    });
  });
}
