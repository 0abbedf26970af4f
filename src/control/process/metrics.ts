/** Counters every role has: gRPC calls and the process itself, by the names Linkerd's dashboards know. */
import process from "node:process";
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { GrpcServerOptions } from "../grpc/server.ts";
import { GRPC_CODES } from "../../mesh/grpc_codes.ts";
import { VERSION } from "../../mesh/version.ts";

/** A registry with process_* gauges, read when asked and not on a timer. */
export function createRegistry(role: string): Registry {
  const registry = new Registry();
  const startedAt = Date.now() / 1000;
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(read());
      },
    });
  gauge("process_start_time_seconds", "Start of the process, in seconds since the epoch.", () => startedAt);
  gauge("process_resident_memory_bytes", "Resident memory.", () => Deno.memoryUsage().rss);
  gauge("process_heap_bytes", "JavaScript heap in use.", () => Deno.memoryUsage().heapUsed);
  gauge("process_cpu_seconds_total", "User and system time.", () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  });
  new Gauge({
    name: "build_info",
    help: "Constant 1.",
    labelNames: ["version", "component"],
    registers: [registry],
  }).set({ version: VERSION, component: role }, 1);
  return registry;
}

/** Counts calls the way go-grpc-prometheus does. */
export function grpcMetrics(registry: Registry): Required<GrpcServerOptions> {
  const labelNames = ["grpc_service", "grpc_method"] as const;
  const handled = new Counter({
    name: "grpc_server_handled_total",
    help: "Calls that ended, by code.",
    labelNames: [...labelNames, "grpc_code"],
    registers: [registry],
  });
  const seconds = new Histogram({
    name: "grpc_server_handling_seconds",
    help: "How long calls took.",
    labelNames: [...labelNames],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [registry],
  });
  const open = new Gauge({
    name: "grpc_server_open_calls",
    help: "Calls and streams in progress.",
    labelNames: [...labelNames],
    registers: [registry],
  });
  return {
    onCall({ service, method, code, seconds: taken }) {
      handled.inc({
        grpc_service: service,
        grpc_method: method,
        grpc_code: GRPC_CODES[code] ?? String(code),
      });
      seconds.observe({ grpc_service: service, grpc_method: method }, taken);
    },
    onOpen({ service, method }, change) {
      open.inc({ grpc_service: service, grpc_method: method }, change);
    },
  };
}
