/** What a ServiceProfile must be: conditions nest deeper than its schema goes. */
import type { ServiceProfile } from "../../kube/kinds.ts";
import { parseGoDuration } from "../../mesh/duration.ts";
import { isRegex } from "../policy/routes/regex.ts";
import { must } from "./invalid.ts";

const NAME = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)+$/;
const REQUEST_FIELDS = ["pathRegex", "method", "all", "any", "not"];
const RESPONSE_FIELDS = ["status", "all", "any", "not"];

export function checkServiceProfile({ metadata, spec }: ServiceProfile): void {
  const name = metadata?.name ?? "";
  must(
    NAME.test(name),
    `metadata.name: ${name} is not a fully qualified name, such as web.shop.svc.cluster.local`,
  );
  for (const [at, route] of (spec.routes ?? []).entries()) {
    const here = `spec.routes[${at}]`;
    must(route.name !== "", `${here}.name: must not be empty`);
    checkDuration(route.timeout, `${here}.timeout`);
    checkCondition(route.condition, `${here}.condition`, REQUEST_FIELDS);
    for (const { condition } of route.responseClasses ?? []) {
      checkCondition(condition, `${here}.responseClasses.condition`, RESPONSE_FIELDS);
    }
  }
  const { retryBudget } = spec;
  if (retryBudget === undefined) return;
  must(retryBudget.retryRatio >= 0, "spec.retryBudget.retryRatio: not less than 0");
  must(retryBudget.minRetriesPerSecond >= 0, "spec.retryBudget.minRetriesPerSecond: not less than 0");
  checkDuration(retryBudget.ttl, "spec.retryBudget.ttl");
}

function checkDuration(text: string | undefined, at: string): void {
  must(
    text === undefined || parseGoDuration(text) !== undefined,
    `${at}: ${JSON.stringify(text)} is no duration, such as 300ms or 1m30s`,
  );
}

function checkCondition(condition: unknown, at: string, known: readonly string[]): void {
  must(
    typeof condition === "object" && condition !== null && !Array.isArray(condition),
    `${at}: not a condition`,
  );
  const fields = Object.entries(condition);
  must(fields.length > 0, `${at}: at least one of ${known.join(", ")}`);
  for (const [field, value] of fields) {
    must(known.includes(field), `${at}: ${field} is none of ${known.join(", ")}`);
    if (field === "not") checkCondition(value, `${at}.not`, known);
    if (field === "status") checkStatus(value as { min?: number; max?: number }, `${at}.status`);
    if (field === "pathRegex") checkRegex(value, `${at}.pathRegex`);
    if (field !== "all" && field !== "any") continue;
    must(Array.isArray(value), `${at}.${field}: not a list`);
    for (const one of value) checkCondition(one, `${at}.${field}`, known);
  }
}

function checkStatus({ min, max }: { min?: number; max?: number }, at: string): void {
  must(min !== undefined || max !== undefined, `${at}: min, max or both`);
  for (const bound of [min, max]) {
    must(bound === undefined || (bound >= 100 && bound <= 599), `${at}: from 100 to 599`);
  }
  must(min === undefined || max === undefined || min <= max, `${at}: min is greater than max`);
}

function checkRegex(value: unknown, at: string): void {
  must(
    typeof value === "string" && isRegex(value),
    `${at}: ${JSON.stringify(value)} is no regular expression as RE2 has them`,
  );
}
