/**
 * An HTTPS server whose certificate can be exchanged while it runs: new handshakes get the new one, no connection breaks.
 *
 * Why not Deno.serve: its certificate is fixed, and two of them cannot share a port without an unstable flag.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { KeyPair } from "../identity/authority.ts";

/** An AdmissionReview holds two objects of at most 1.5 MiB each. */
const MAX_BODY_BYTES = 8 * 1024 * 1024;
/** A client that sends nothing more is let go. */
const REQUEST_TIMEOUT_MS = 30_000;
const STOP_DEADLINE_MS = 5_000;
/**
 * The API server keeps an idle connection for 90 s and sends on it without asking. Whoever closes earlier resets such a
 * request now and then; the pod it was about starts without a proxy then, since the webhook fails open.
 */
const KEEP_ALIVE_MS = 120_000;

export interface HttpsServer {
  readonly port: number;
  use(certificate: KeyPair): void;
  /**
   * Stops accepting, and resolves when requests under way have been answered.
   * @param lingerMs how long it goes on answering before, the last answer on every connection: until callers have heard
   * that another replica is to be asked
   */
  stop(lingerMs?: number): Promise<void>;
}

export type Handler = (
  method: string,
  body: string,
  path: string,
) => Promise<{ status: number; type: string; body: string }>;

function toOptions(certificate: KeyPair) {
  return { cert: certificate.certificatePem, key: certificate.keyPem };
}

/** Undefined for a body that is too large. */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const decoder = new TextDecoder();
  let text = "";
  let size = 0;
  for await (const chunk of request as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) return undefined;
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

async function answer(handler: Handler, request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    const body = await readBody(request);
    const result = body === undefined
      ? { status: 413, type: "text/plain", body: "the body is too large\n" }
      : await handler(request.method ?? "GET", body, request.url?.replace(/\?.*$/, "") ?? "/");
    response.writeHead(result.status, {
      "content-type": result.type,
      ...(body === undefined ? { connection: "close" } : {}),
    });
    response.end(result.body);
  } catch (error) {
    console.error(`webhook: ${error instanceof Error ? error.stack : error}`);
    response.destroy();
  }
}

export async function startHttpsServer(
  options: { port: number; hostname: string; certificate: KeyPair },
  handler: Handler,
): Promise<HttpsServer> {
  let isStopping = false;
  const server = createServer(toOptions(options.certificate), (request, response) => {
    if (isStopping) response.setHeader("connection", "close");
    answer(handler, request, response);
  });
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  // Handshakes that fail are the client's affair: probes, scanners, an API server with an older bundle.
  server.on("tlsClientError", () => {});
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, options.hostname, () => {
      server.removeListener("error", reject);
      resolve();
    });
  });
  server.on("error", (error) => console.error(`webhook server: ${error}`));
  return {
    port: (server.address() as AddressInfo).port,
    use: (certificate) => server.setSecureContext(toOptions(certificate)),
    stop: async (lingerMs = 0) => {
      isStopping = true;
      await new Promise((resolve) => setTimeout(resolve, lingerMs));
      await new Promise<void>((resolve) => {
        const late = setTimeout(() => server.closeAllConnections(), STOP_DEADLINE_MS);
        server.close(() => {
          clearTimeout(late);
          resolve();
        });
        server.closeIdleConnections();
      });
    },
  };
}
