/**
 * Who tells of the spans: the process, its host, its service and its pod, from what the environment says. What comes
 * later wins: the service's name, the pod's labels, further attributes, and what OpenTelemetry's own variable has.
 * Source: proxy.md §15, config.md §9 (TRACE_*); OpenTelemetry, "Resource SDK" (OTEL_RESOURCE_ATTRIBUTES).
 */
import type { TracingConfig } from "../../config/environment.ts";
import type { Attribute } from "../span.ts";

/** What the process knows of itself. */
export interface ProcessFacts {
  readonly pid: number;
  /** Milliseconds since the Unix epoch. */
  readonly startedAt: number;
  /** @throws what reading throws */
  readonly readFile: (path: string) => string;
}

function pairOf(text: string): readonly [string, string] | undefined {
  const equals = text.indexOf("="), key = text.slice(0, Math.max(equals, 0)).trim();
  return key === "" ? undefined : [key, text.slice(equals + 1).trim().replace(/^"|"$/g, "")];
}

/** `key="value"` by line, as the downward API writes labels; the quotes may be missing. A line that is none is left out. */
export function attributesOfLines(text: string): [string, string][] {
  return text.split(/\r?\n/).flatMap((line) => {
    const pair = pairOf(line);
    return pair === undefined ? [] : [[...pair]];
  });
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a percent sign that means itself
  }
}

/** `key=value` with commas between, as OpenTelemetry has it, or by line, as Linkerd does; values are percent-decoded. */
export function attributesOfList(text: string): [string, string][] {
  return attributesOfLines(text.replaceAll(",", "\n")).map(([key, value]) => [key, decoded(value)]);
}

/** @param complain told why the file of labels cannot be read */
export function resourceOf(
  config: TracingConfig,
  { pid, startedAt, readFile }: ProcessFacts,
  complain: (path: string, error: unknown) => void,
): Attribute[] {
  const attributes = new Map<string, string | number>([
    ["process.pid", pid],
    ["process.start_timestamp", Math.round(startedAt)],
  ]);
  const add = (pairs: Iterable<readonly [string, string]>) => {
    for (const [key, value] of pairs) attributes.set(key, value);
  };
  if (config.hostName !== undefined) add([["host.name", config.hostName]]);
  if (config.serviceName !== undefined) add([["service.name", config.serviceName]]);
  if (config.attributesPath !== undefined) {
    try {
      add(attributesOfLines(readFile(config.attributesPath)));
    } catch (error) {
      complain(config.attributesPath, error);
    }
  }
  add(attributesOfLines(config.extraAttributes ?? ""));
  add(attributesOfList(config.resourceAttributes ?? ""));
  return [...attributes];
}
