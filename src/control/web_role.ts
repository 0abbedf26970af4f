/** The dashboard as a role. It asks metrics-api alone, and no API server. */
import { CONTROL_PORTS } from "../mesh/names.ts";
import { FlagError } from "./process/flags.ts";
import type { Role, RunningRole } from "./process/role.ts";

export const webRole: Role = {
  adminPort: CONTROL_PORTS.webAdmin,
  async start({ flags }): Promise<RunningRole> {
    const port = flags.port("addr", CONTROL_PORTS.web);
    const metricsApi = flags.string("metrics-api-addr", "http://metrics-api.linkerd.svc.cluster.local:8080");
    const showsCalls = flags.boolean("show-calls", false);
    const enforcedHost = flags.string("enforced-host", "");
    if (!isRegularExpression(enforcedHost)) {
      throw new FlagError(`--enforced-host: a regular expression, not ${enforcedHost}`);
    }
    if (!URL.canParse(metricsApi)) throw new FlagError(`--metrics-api-addr: a URL, not ${metricsApi}`);
    const { startDashboard } = await import("../dashboard/server.ts");
    const dashboard = await startDashboard({
      port,
      metricsApi,
      showsCalls,
      ...(enforcedHost === "" ? {} : { enforcedHost }),
    });
    console.error(`dashboard on port ${dashboard.port}`);
    return { waitingFor: () => [], stop: () => dashboard.stop() };
  },
};

function isRegularExpression(text: string): boolean {
  try {
    new RegExp(text);
    return true;
  } catch {
    return false; // the caller names the flag
  }
}
