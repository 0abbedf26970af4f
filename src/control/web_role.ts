/** The dashboard as a role: src/dashboard/server.ts, loaded by name so that no other role carries it. */
import { CONTROL_PORTS } from "../mesh/names.ts";
import type { Role, RunningRole } from "./process/role.ts";

/** What src/dashboard/server.ts exports for this role. */
export interface DashboardModule {
  startDashboard(options: { port: number; metricsApi: string }): Promise<{ stop(): Promise<void> }>;
}

export const webRole: Role = {
  adminPort: CONTROL_PORTS.webAdmin,
  async start({ flags }): Promise<RunningRole> {
    const port = flags.port("addr", CONTROL_PORTS.web);
    const metricsApi = flags.string("metrics-api-addr", "http://metrics-api.linkerd.svc.cluster.local:8080");
    // Not a literal: the dashboard is bundled on its own, and its absence must not break this program's type check.
    const path = "../dashboard/server.ts";
    const { startDashboard } = await import(path) as DashboardModule;
    const dashboard = await startDashboard({ port, metricsApi });
    return { waitingFor: () => [], stop: () => dashboard.stop() };
  },
};
