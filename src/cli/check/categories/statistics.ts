/** Whether the figures of `stat`, `edges` and the dashboard can be believed. */
import { getJson } from "../../../kube/service_proxy.ts";
import type { StatusResponse } from "../../../mesh/api.ts";
import { type Category, CheckFailure, SKIPPED } from "../check_model.ts";
import type { Facts } from "../facts.ts";

export const METRICS_API = { name: "metrics-api", port: 8080 } as const;

function status(facts: Facts): Promise<StatusResponse> {
  return getJson(facts.client, { namespace: facts.namespace, ...METRICS_API }, "/api/v1/status");
}

export const statistics: Category = {
  name: "linkerd-viz",
  checks: [
    {
      description: "viz extension self-check",
      anchor: "l5d-viz-metrics-api",
      isRetried: true,
      async run(facts) {
        if (!(await facts.values()).metricsApi.enabled) return SKIPPED;
        await status(facts);
        return;
      },
    },
    {
      description: "every proxy is scraped",
      anchor: "l5d-viz-metrics-api",
      isWarning: true,
      isRetried: true,
      async run(facts) {
        if (!(await facts.values()).metricsApi.enabled) return SKIPPED;
        const { failing, targets } = await status(facts);
        if (failing > 0) throw new CheckFailure(`the last scrape of ${failing} of ${targets} proxies failed`);
        return;
      },
    },
  ],
};
