/**
 * One call of a webhook over HTTPS: to a Service's endpoint under the Service's name, or to a URL.
 *
 * Why not fetch: it cannot connect to one address and expect another name in the certificate. Connections are kept.
 */
import type { Agent } from "node:https";

export interface CallTarget {
  hostname: string;
  port: number;
  /** The name the certificate must have. */
  serverName: string;
  path: string;
  /** PEM; the system's roots when undefined. */
  caBundle: string | undefined;
}

export class WebhookCaller {
  #agent: Agent | undefined;

  /** @throws Error in words for people; a status other than 200 is one of them */
  async call(target: CallTarget, body: string, timeoutMs: number): Promise<string> {
    const signal = AbortSignal.timeout(timeoutMs);
    try {
      return await this.#request(target, body, signal);
    } catch (error) {
      // A kept connection may have been closed by the webhook's restart: once more on a new one.
      if ((error as { isReused?: boolean }).isReused !== true) throw error;
      return await this.#request(target, body, signal);
    }
  }

  close(): void {
    this.#agent?.destroy();
    this.#agent = undefined;
  }

  async #request(target: CallTarget, body: string, signal: AbortSignal): Promise<string> {
    const https = await import("node:https");
    this.#agent ??= new https.Agent({ keepAlive: true, maxFreeSockets: 4 });
    const agent = this.#agent;
    const bytes = new TextEncoder().encode(body);
    return await new Promise<string>((resolve, reject) => {
      const request = https.request({
        agent,
        host: target.hostname,
        port: target.port,
        servername: target.serverName,
        method: "POST",
        path: target.path,
        headers: {
          host: target.serverName,
          "content-type": "application/json",
          accept: "application/json",
          "content-length": String(bytes.length),
        },
        signal,
        ...(target.caBundle === undefined ? {} : { ca: target.caBundle }),
      }, (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => text += chunk);
        response.on("error", fail);
        response.on("end", () => {
          if (response.statusCode === 200) resolve(text);
          else reject(new Error(`the webhook answered HTTP ${response.statusCode}: ${text.slice(0, 200)}`));
        });
      });
      const fail = (error: Error) => {
        if (signal.aborted) reject(new Error("context deadline exceeded"));
        else {
          const isReused = request.reusedSocket;
          reject(Object.assign(error, { isReused }));
        }
      };
      request.on("error", fail);
      request.end(bytes);
    });
  }
}
