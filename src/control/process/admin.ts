/** The admin server of every role: /live, /ready and /metrics. */
import type { Registry } from "prom-client";

export interface AdminOptions {
  port: number;
  registry: Registry;
  /** Answers /ready: empty when ready, otherwise what is waited for. */
  waitingFor(): readonly string[];
  /** Further paths, by exact name. */
  routes?: Readonly<Record<string, (request: Request) => Response | Promise<Response>>>;
}

export interface AdminServer {
  readonly port: number;
  stop(): Promise<void>;
}

/** Listens on all addresses: the kubelet's probes come from outside the pod. */
export function startAdmin(options: AdminOptions): AdminServer {
  const server = Deno.serve(
    { port: options.port, hostname: "0.0.0.0", onListen: () => {} },
    async (request) => {
      const path = new URL(request.url).pathname;
      if (path === "/live" || path === "/ping") return new Response("ok\n");
      if (path === "/ready") {
        const waiting = options.waitingFor();
        return waiting.length === 0
          ? new Response("ok\n")
          : new Response(`waiting for ${waiting.join(", ")}\n`, { status: 503 });
      }
      if (path === "/metrics") {
        return new Response(await options.registry.metrics(), {
          headers: { "content-type": options.registry.contentType },
        });
      }
      return await options.routes?.[path]?.(request) ?? new Response("not found\n", { status: 404 });
    },
  );
  return { port: server.addr.port, stop: () => server.shutdown() };
}
