/** The exporter of a proxy's process, as its configuration has it. */
import type { ControlAddress } from "../../config/environment.ts";
import type { GrpcChannel } from "../../control/grpc.ts";
import type { Runtime } from "../../runtime.ts";
import { SpanExporter } from "./exporter.ts";
import { resourceOf } from "./resource.ts";

/** However long a collector was away: spans should be told soon after it came back. */
const MAX_BACKOFF_MS = 10_000;

/**
 * @param channel the way to a service; one that is none of the mesh's own is left alone while idle
 * @returns undefined while no collector is configured
 */
export function exporterOf(
  { config: { tracing, outbound: { backoff } }, loop, telemetry, log }: Runtime,
  channel: (service: ControlAddress, isQuietWhenIdle: boolean) => GrpcChannel,
): SpanExporter | undefined {
  if (tracing === undefined) return undefined;
  const { collector: { host, port, identity }, collector } = tracing;
  log.info("traces are exported", { collector: `${host}:${port}`, isPlain: identity === undefined });
  return new SpanExporter({
    channel: channel(collector, true),
    loop,
    telemetry,
    log,
    backoff: { ...backoff, maxMs: Math.min(backoff.maxMs, MAX_BACKOFF_MS) },
    resource: resourceOf(
      tracing,
      { pid: Deno.pid, startedAt: performance.timeOrigin, readFile: Deno.readTextFileSync },
      (path, error) => log.warn("a file of trace attributes cannot be read", { path, error }),
    ),
  });
}
