/**
 * The control plane's one program: `controller ROLE [flags]`.
 *
 * Roles: identity, destination (serves policy too), policy, proxy-injector, metrics-api, web. Each is loaded only when
 * it is run: five of these processes start beside each other on a laptop.
 */
import process from "node:process";
import { Counter } from "prom-client";
import { startAdmin } from "./process/admin.ts";
import { connectCluster } from "./process/cluster.ts";
import { ClusterHealth, staleGauge } from "./process/cluster_health.ts";
import { FlagError, Flags } from "./process/flags.ts";
import { createRegistry } from "./process/metrics.ts";
import type { Role } from "./process/role.ts";
import { VERSION } from "../mesh/version.ts";
import { keepMemorySmall } from "./process/memory.ts";

const ROLES: Readonly<Record<string, () => Promise<Role>>> = {
  "identity": async () => (await import("./identity/role.ts")).identityRole,
  "destination": async () => (await import("./destination/role.ts")).destinationRole,
  "policy": async () => (await import("./policy/role.ts")).policyRole,
  "proxy-injector": async () => (await import("./injector/role.ts")).injectorRole,
  "metrics-api": async () => (await import("./telemetry/role.ts")).telemetryRole,
  "web": async () => (await import("./web_role.ts")).webRole,
};

/** A defect in one call must not take down the others; it is counted, logged and stays visible. */
function surviveDefects(count: () => void): void {
  const report = (kind: string) => (error: unknown) => {
    count();
    console.error(`${kind}: ${error instanceof Error ? error.stack : error}`);
  };
  process.on("uncaughtException", report("uncaught exception"));
  process.on("unhandledRejection", report("unhandled rejection"));
}

async function main(args: readonly string[]): Promise<number> {
  const [name = "", ...rest] = args;
  if (name === "version" || name === "--version") {
    console.log(VERSION);
    return 0;
  }
  const load = ROLES[name];
  if (load === undefined) {
    console.error(`usage: controller ROLE [flags]; roles: ${Object.keys(ROLES).join(", ")}`);
    return 2;
  }
  const flags = new Flags(rest);
  const role = await load();
  const registry = createRegistry(name);
  const defects = new Counter({
    name: "uncaught_errors_total",
    help: "Errors no handler caught; anything but 0 is a defect.",
    registers: [registry],
  });
  surviveDefects(() => defects.inc());
  keepMemorySmall();
  const adminPort = flags.port("admin-addr", role.adminPort);
  const stopping = new Promise<string>((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      Deno.addSignalListener(signal, () => resolve(signal));
    }
  });
  const health = new ClusterHealth();
  staleGauge(health, registry);
  const cluster = lazily(async () => health.observe(await connectCluster()));
  const running = await role.start({ flags, registry, cluster });
  flags.refuseUnknown();
  let isStopping = false;
  const admin = startAdmin({
    port: adminPort,
    registry,
    waitingFor: () => isStopping ? ["shutdown"] : running.waitingFor(),
  });
  console.error(`${name} ${VERSION} started, admin on port ${admin.port}`);
  const signal = await stopping;
  isStopping = true;
  console.error(`${signal}: stopping`);
  await running.stop();
  await admin.stop();
  return 0;
}

function lazily<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => made ??= make();
}

if (import.meta.main) {
  try {
    Deno.exit(await main(Deno.args));
  } catch (error) {
    console.error(error instanceof FlagError ? error.message : error);
    Deno.exit(error instanceof FlagError ? 2 : 1);
  }
}
