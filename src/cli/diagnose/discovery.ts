/**
 * `linkerd diagnostics endpoints`, `profile` and `policy`: what the control plane would tell a proxy, asked of it by the
 * proxies' own interfaces. Source: cli.md §2.3.
 */
import { DestinationDefinition, type WeightedAddr } from "../../../proto/gen/destination.ts";
import { InboundServerPoliciesDefinition } from "../../../proto/gen/inbound.ts";
import { OutboundPoliciesDefinition } from "../../../proto/gen/outbound.ts";
import { GrpcClient } from "../../control/grpc/client.ts";
import type { ServiceDescription } from "../../control/grpc/service.ts";
import { formatIp } from "../../control/wire/address.ts";
import { stringify } from "../../kube/yaml.ts";
import { MeshFailure } from "../../mesh/error.ts";
import { CONTROL_PORTS } from "../../mesh/names.ts";
import { type Column, formatJson, formatTable } from "../../mesh/table.ts";
import type { Environment } from "../environment.ts";
import { usageFailure } from "../failure.ts";
import { forwardComponent } from "../forward.ts";
import type { GlobalOptions } from "../global_options.ts";
import { placeOf } from "../profile/place.ts";
import { readable } from "./message.ts";

export interface DiscoveryOptions {
  readonly namespace?: string;
  readonly destinationPod?: string;
  readonly token?: string;
  readonly output: string;
}

/** How long an answer may take, and how long after one another may follow. */
const ANSWER_MS = 5_000, QUIET_MS = 500;

/** Runs `use` with a client of a controller's service. @throws MeshFailure for what the controller answers with */
async function asking<S extends ServiceDescription, T>(
  service: S,
  port: number,
  global: GlobalOptions,
  environment: Environment,
  use: (client: GrpcClient<S>) => Promise<T>,
): Promise<T> {
  const { apiAddr } = global;
  const forwarded = apiAddr === undefined
    ? await forwardComponent("destination", port, global, environment)
    : undefined;
  const address = apiAddr ?? forwarded!.address;
  const client = new GrpcClient(service, address);
  try {
    return await use(client);
  } catch (error) {
    if (!(error instanceof Error && typeof (error as Error & { details?: unknown }).details === "string")) {
      throw error;
    }
    const { code, details } = error as Error & { code: number; details: string };
    throw new MeshFailure({
      code: code === 14 ? "controller-unreachable" : "controller-refused",
      source: code === 3 ? "usage" : "cluster",
      detail: code === 14
        ? `the controller at ${address} cannot be reached: ${forwarded?.complaint() ?? details}`
        : `the controller says: ${details}`,
      remedy: code === 14
        ? "see with `linkerd check` whether the control plane runs, or mend --api-addr"
        : "name what is asked for as a proxy would: host.namespace.svc.cluster.local:port, or an address and a port",
    });
  } finally {
    client.close();
    await forwarded?.close();
  }
}

/** Messages of a stream until it is quiet; none when nothing is said in time. */
async function heard<T>(
  stream: AsyncIterable<T> & { cancel(): void },
  isEnough: (all: T[]) => boolean,
): Promise<T[]> {
  const all: T[] = [];
  const cancel = () => stream.cancel();
  let timer = setTimeout(cancel, ANSWER_MS);
  try {
    for await (const message of stream) {
      all.push(message);
      clearTimeout(timer);
      if (isEnough(all)) break;
      timer = setTimeout(cancel, QUIET_MS);
    }
  } catch (error) {
    if ((error as { code?: number }).code !== 1) throw error; // 1: cancelled, by the timer
  } finally {
    clearTimeout(timer);
    stream.cancel();
  }
  return all;
}

interface EndpointRow {
  readonly namespace: string;
  readonly ip: string;
  readonly port: number;
  readonly pod: string;
  readonly service: string;
  readonly weight: number;
  readonly http2?: unknown;
  readonly labels: Readonly<Record<string, string>>;
}

function rowOf(addr: WeightedAddr, labels: Readonly<Record<string, string>>, authority: string): EndpointRow {
  const all = { ...labels, ...addr.metricLabels };
  return {
    namespace: all["namespace"] ?? "",
    ip: formatIp(addr.addr?.ip),
    port: addr.addr?.port ?? 0,
    pod: all["pod"] ?? "",
    service: authority,
    weight: addr.weight,
    ...(addr.http2 === undefined ? {} : { http2: readable(addr.http2) }),
    labels: all,
  };
}

const COLUMNS: readonly Column<EndpointRow>[] = [
  { title: "NAMESPACE", value: ({ namespace }) => namespace },
  { title: "IP", value: ({ ip }) => ip },
  { title: "PORT", value: ({ port }) => String(port) },
  { title: "POD", value: ({ pod }) => pod },
  { title: "SERVICE", value: ({ service }) => service },
];

function tokenOf(options: DiscoveryOptions): string {
  return options.token ?? "";
}

export async function endpoints(
  authorities: readonly string[],
  options: DiscoveryOptions,
  global: GlobalOptions,
  environment: Environment,
): Promise<number> {
  const port = CONTROL_PORTS.destination;
  const found = await asking(
    DestinationDefinition,
    port,
    global,
    environment,
    (client) =>
      Promise.all(authorities.map(async (path) => {
        const request = { scheme: "", path, contextToken: tokenOf(options) };
        return { path, updates: await heard(client.stream("get", request), () => false) };
      })),
  );
  const rows = found.flatMap(({ path, updates }) =>
    updates.flatMap(({ update }) =>
      update?.$case === "add"
        ? update.value.addrs.map((addr) => rowOf(addr, update.value.metricLabels, path))
        : []
    )
  ).sort((left, right) => {
    const key = ({ namespace, pod, service, ip }: EndpointRow) => `${namespace}/${service}/${pod}/${ip}`;
    return key(left) < key(right) ? -1 : 1;
  });
  if (options.output === "json") environment.print(formatJson(rows));
  else if (rows.length === 0) environment.tell("No endpoints found.\n");
  else environment.print(formatTable(COLUMNS, rows));
  return 0;
}

export async function destinationProfile(
  address: string,
  options: DiscoveryOptions,
  global: GlobalOptions,
  environment: Environment,
): Promise<number> {
  const request = { scheme: "", path: address, contextToken: tokenOf(options) };
  const [first] = await asking(
    DestinationDefinition,
    CONTROL_PORTS.destination,
    global,
    environment,
    (client) => heard(client.stream("getProfile", request), () => true),
  );
  if (first === undefined) {
    throw new MeshFailure({
      code: "controller-refused",
      source: "cluster",
      detail: `the controller said nothing of ${address} in ${ANSWER_MS / 1000} s`,
      remedy: "see its log: kubectl logs -n linkerd deploy/linkerd-destination",
    });
  }
  environment.print(formatJson(readable(first)));
  return 0;
}

export async function policy(
  resource: string,
  port: string,
  options: DiscoveryOptions,
  global: GlobalOptions,
  environment: Environment,
): Promise<number> {
  const [, kind, name] = /^(po|pod|pods|svc|service|services)\/([a-z0-9][-a-z0-9.]*)$/.exec(resource) ?? [];
  const number = Number(port);
  if (kind === undefined || !Number.isInteger(number) || number < 1 || number > 65_535) {
    throw usageFailure(
      "policy-resource-invalid",
      `${resource} ${port}: it is not a pod or a service, and a port`,
      "for example linkerd diagnostics policy -n shop svc/web 80, or po/web-1 8080",
    );
  }
  const isDirect = global.apiAddr !== undefined;
  const { namespace, domain } = await placeOf({ ...options, ignoreCluster: isDirect }, global, environment);
  const token = options.token ?? "default:diagnostics";
  const isPod = kind.startsWith("p");
  const message = isPod
    ? await asking(
      InboundServerPoliciesDefinition,
      CONTROL_PORTS.policy,
      global,
      environment,
      (client) => client.call("getPort", { workload: `${namespace}:${name}`, port: number }),
    )
    : await asking(
      OutboundPoliciesDefinition,
      CONTROL_PORTS.policy,
      global,
      environment,
      (client) =>
        client.call("get", {
          sourceWorkload: token,
          target: { $case: "authority", value: `${name}.${namespace}.svc.${domain}:${number}` },
        }),
    );
  const shown = readable(message);
  environment.print(options.output === "json" ? formatJson(shown) : stringify(shown, { lineWidth: 0 }));
  return 0;
}
