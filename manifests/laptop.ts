/** What differs on a laptop: nothing waits longer than it must, and counts are seconds old. */
import type { PartialValues } from "../src/mesh/values.ts";

export const laptopValues: PartialValues = {
  imagePullPolicy: "Never",
  proxy: { readinessProbe: { initialDelaySeconds: 0, timeoutSeconds: 1, periodSeconds: 1 } },
  metricsApi: { scrapeInterval: "1s" },
  dashboard: { showCalls: true },
};
