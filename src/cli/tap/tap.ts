/** `linkerd tap`: requests one by one, as they pass the proxies of a resource. Source: cli.md §3, §3.3. */
import { explainUntapped, LARGEST_MAX_RPS, type TapLine, type TapQuery } from "../../mesh/tap.ts";
import { MeshFailure } from "../../mesh/error.ts";
import type { Environment } from "../environment.ts";
import { usageFailure } from "../failure.ts";
import type { GlobalOptions } from "../global_options.ts";
import { parseResource, parseResources, type ResourceArgument } from "../stat/resources.ts";
import { formatEvent } from "./format.ts";
import { openTap } from "./tap_stream.ts";

/** What says which requests are wanted. */
export interface TapFilters {
  readonly namespace?: string;
  readonly selector?: string;
  readonly to?: string;
  readonly toNamespace?: string;
  readonly maxRps: string;
  readonly scheme?: string;
  readonly method?: string;
  readonly authority?: string;
  readonly path?: string;
}

export interface TapOptions extends TapFilters {
  readonly output: "text" | "wide" | "json";
}

function targetOf(words: readonly string[]): ResourceArgument {
  const resources = words.includes("all") ? [] : parseResources(words), [target] = resources;
  if (target === undefined || resources.length > 1) {
    throw usageFailure(
      "resource-invalid",
      `${words.join(" ")}: one resource can be tapped`,
      "name one: KIND/NAME",
    );
  }
  if (target.kind === "service" || target.kind === "authority") {
    throw usageFailure(
      "tap-kind-invalid",
      `a ${target.kind} has no proxy of its own`,
      target.kind === "service" ? "tap its clients, with --to svc/NAME" : "tap its clients, with --authority",
    );
  }
  return target;
}

/** @throws MeshFailure for what makes no query */
export function queryFor(words: readonly string[], options: TapFilters): (namespace: string) => TapQuery {
  const { kind, name } = targetOf(words), { maxRps, scheme } = options;
  const to = options.to === undefined ? undefined : parseResource(options.to);
  if (to !== undefined && to.name === undefined) {
    throw usageFailure("peer-unnamed", `--to ${options.to}: which one?`, `write --to ${options.to}/NAME`);
  }
  if (to?.kind === "authority") {
    throw usageFailure("peer-invalid", `--to ${options.to}: an authority is no resource`, "say --authority");
  }
  if (!(Number(maxRps) > 0 && Number(maxRps) <= LARGEST_MAX_RPS)) {
    throw usageFailure("max-rps-invalid", `--max-rps ${maxRps}: above 0 and at most ${LARGEST_MAX_RPS}`);
  }
  if (scheme !== undefined && !/^https?$/i.test(scheme)) {
    throw usageFailure("scheme-invalid", `--scheme ${scheme}: it is http or https`);
  }
  return (ownNamespace) => {
    const namespace = options.namespace ?? ownNamespace;
    const fields = {
      kind,
      name: kind === "namespace" ? name ?? options.namespace : name,
      namespace: kind === "namespace" ? undefined : namespace,
      labels: options.selector,
      toKind: to?.kind,
      to: to?.name,
      toNamespace: to === undefined
        ? undefined
        : options.toNamespace ?? (kind === "namespace" ? name : namespace),
      maxRps,
      scheme,
      method: options.method,
      authority: options.authority,
      path: options.path,
    };
    return Object.fromEntries(
      Object.entries(fields).filter(([, value]) => value !== undefined),
    ) as unknown as TapQuery;
  };
}

/** Everything of a tap that is not an event, told on standard error: once each. */
export class TapNews {
  readonly #told = new Set<string>();
  constructor(private readonly environment: Environment) {}

  #tell(text: string): void {
    if (this.#told.has(text)) return;
    this.#told.add(text);
    this.environment.tell(`${text}\n`);
  }

  /** @throws MeshFailure when the line says that the tap is over */
  take(line: TapLine): void {
    if ("error" in line) throw new MeshFailure(line.error);
    if ("trouble" in line) {
      return this.#tell(`${line.trouble.pod} cannot be tapped now: ${line.trouble.detail}`);
    }
    if ("dropped" in line) {
      return this.environment.tell(`${line.dropped} events were left out: too many at once\n`);
    }
    if (!("observing" in line)) return;
    for (const pod of line.observing.untapped) this.#tell(`not tapped: ${explainUntapped(pod)}`);
  }
}

export async function tap(
  words: readonly string[],
  options: TapOptions,
  global: GlobalOptions,
  environment: Environment,
): Promise<void> {
  const isJson = options.output === "json", queryOf = queryFor(words, options);
  const withHeaders = (namespace: string) => ({
    ...queryOf(namespace),
    ...(isJson ? { headers: "true" } : {}),
  });
  const { lines, close } = await openTap(withHeaders, global, environment), news = new TapNews(environment);
  try {
    for await (const line of lines) {
      if (!("event" in line)) {
        news.take(line);
        continue;
      }
      const text = isJson ? JSON.stringify(line.event) : formatEvent(line.event, options.output === "wide");
      if (text !== undefined) environment.print(`${text}\n`);
    }
    environment.tell("the tap has ended: metrics-api closed it\n");
  } finally {
    close();
  }
}
