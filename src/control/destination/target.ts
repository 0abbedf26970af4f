/** What a lookup is about: the path asked for, taken apart, and who asks. */
import { canonicalIp } from "../wire/address.ts";

export interface ServiceTarget {
  readonly kind: "service";
  readonly name: string;
  readonly namespace: string;
  /** One endpoint of the Service, by its host name; undefined for all. */
  readonly hostname: string | undefined;
  readonly port: number;
}

export interface AddressTarget {
  readonly kind: "address";
  readonly ip: string;
  readonly port: number;
}

export interface NoTarget {
  readonly kind: "none";
  readonly reason: string;
}

const DEFAULT_PORT = 80;

function splitPort(path: string): { host: string; port: number } | undefined {
  const match = /^(\[[^\]]+\]|[^:]+)(?::(\d{1,5}))?$/.exec(path);
  if (match === null) {
    // A bare IPv6 address has colons of its own.
    return canonicalIp(path) === undefined ? undefined : { host: path, port: DEFAULT_PORT };
  }
  const port = match[2] === undefined ? DEFAULT_PORT : Number(match[2]);
  if (port < 1 || port > 65_535) return undefined;
  return { host: match[1]!.replace(/^\[|\]$/g, ""), port };
}

const LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

/**
 * Takes `host:port` apart: `name.namespace.svc.<domain>`, one endpoint's `host.name.namespace.svc.<domain>`, or an
 * address. A final dot is passed over.
 */
export function parseTarget(path: string, clusterDomain: string): ServiceTarget | AddressTarget | NoTarget {
  const split = splitPort(path);
  if (split === undefined) return { kind: "none", reason: `not a host and port: ${JSON.stringify(path)}` };
  const ip = canonicalIp(split.host);
  if (ip !== undefined) return { kind: "address", ip, port: split.port };
  const host = split.host.toLowerCase().replace(/\.$/, "");
  const suffix = `.svc.${clusterDomain.replace(/\.$/, "")}`;
  if (!host.endsWith(suffix)) return { kind: "none", reason: `not a name of a Service: ${split.host}` };
  const labels = host.slice(0, -suffix.length).split(".");
  if (labels.length < 2 || labels.length > 3 || !labels.every((label) => LABEL.test(label))) {
    return { kind: "none", reason: `not a name of a Service: ${split.host}` };
  }
  const [namespace, name, hostname] = labels.reverse() as [string, string, string | undefined];
  return { kind: "service", name, namespace, hostname, port: split.port };
}

export interface ClientContext {
  readonly namespace: string;
  readonly nodeName: string;
  readonly pod: string;
}

/** Reads the context token a proxy sends: JSON, or `ns:<namespace>` of old. What cannot be read is left empty. */
export function parseContext(token: string): ClientContext {
  const nobody = { namespace: "", nodeName: "", pod: "" };
  if (token.startsWith("ns:")) return { ...nobody, namespace: token.slice(3) };
  try {
    const { ns, nodeName, pod } = JSON.parse(token) as Record<string, unknown>;
    const text = (value: unknown) => typeof value === "string" ? value : "";
    return { namespace: text(ns), nodeName: text(nodeName), pod: text(pod) };
  } catch {
    return nobody; // A proxy that says nothing of itself gets what everybody gets.
  }
}
