/** Resource requests and limits of the containers the mesh adds. */
import type { ResourceValues } from "../../mesh/values.ts";

type Quantities = Record<string, string>;

/** Undefined when nothing is set: Kubernetes then applies what the namespace defaults. */
export function resourceRequirements(
  resources: ResourceValues,
): { requests?: Quantities; limits?: Quantities } | undefined {
  const pick = (bound: "request" | "limit"): Quantities | undefined => {
    const found = Object.entries(resources).filter(([, one]) => one[bound] !== "")
      .map(([name, one]) => [name, one[bound]] as const);
    return found.length === 0 ? undefined : Object.fromEntries(found);
  };
  const requests = pick("request");
  const limits = pick("limit");
  if (requests === undefined && limits === undefined) return undefined;
  return { ...(limits === undefined ? {} : { limits }), ...(requests === undefined ? {} : { requests }) };
}

/** Whole cores a quantity of CPU takes: `1500m` is 2; undefined for none. */
export function wholeCores(quantity: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(m?)$/.exec(quantity);
  if (match === null) return undefined;
  return Math.max(1, Math.ceil(Number(match[1]) / (match[2] === "m" ? 1000 : 1)));
}
