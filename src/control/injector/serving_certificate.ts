/**
 * The injector's own serving certificate: made at run time, renewed long before it ends, made known to the API server.
 *
 * Nothing random stands in rendered manifests, and nothing has to be restarted to rotate. Every replica has an authority
 * of its own and adds it to the webhook's `caBundle`, where those that have ended are dropped; so replicas need no shared
 * secret. A bundle that somebody replaces is put right again.
 */
import { Buffer } from "node:buffer";
import { X509Certificate } from "node:crypto";
import { isConflict, isNotFound, type KubeClient } from "../../kube/client.ts";
import { startInformer } from "../../kube/informer.ts";
import { MUTATING_WEBHOOKS, VALIDATING_WEBHOOKS } from "../../kube/kinds.ts";
import { createAuthority, createServerCertificate, type KeyPair } from "../identity/authority.ts";
import { parseCertificates } from "../identity/trust.ts";

const DAY_MS = 86_400_000;
const LIFETIME_MS = 30 * DAY_MS;
const RENEW_AFTER_MS = 20 * DAY_MS;
/** More than any number of replicas in turn; older ones are dropped. */
const MAX_AUTHORITIES = 16;

export interface ServingCertificate {
  readonly authorityPem: string;
  readonly server: KeyPair;
  readonly renewAt: number;
}

export async function makeServingCertificate(
  dnsNames: readonly string[],
  now: number,
): Promise<ServingCertificate> {
  const when = { now, lifetimeMs: LIFETIME_MS };
  const authority = await createAuthority(dnsNames[0]!.slice(0, 64), when);
  const server = await createServerCertificate(authority, dnsNames, when);
  return { authorityPem: authority.certificatePem, server, renewAt: now + RENEW_AFTER_MS };
}

function isRunning(certificate: X509Certificate, now: number): boolean {
  return Date.parse(certificate.validTo) > now;
}

/** A bundle (base64 of PEM) with an authority in it and without those that have ended. */
export function withAuthority(bundle: string | undefined, authorityPem: string, now: number): string {
  const own = new X509Certificate(authorityPem);
  let others: X509Certificate[] = [];
  try {
    others = parseCertificates(Buffer.from(bundle ?? "", "base64").toString());
  } catch {
    // What cannot be read cannot be trusted by the API server either: it is replaced.
  }
  const kept = others.filter((one) => one.fingerprint256 !== own.fingerprint256 && isRunning(one, now));
  const all = [...kept.slice(-(MAX_AUTHORITIES - 1)), own];
  return Buffer.from(all.map((one) => one.toString().trim() + "\n").join("")).toString("base64");
}

/** Whether a bundle lets the API server believe this authority. */
export function hasAuthority(bundle: string | undefined, authorityPem: string): boolean {
  const own = new X509Certificate(authorityPem).fingerprint256;
  try {
    return parseCertificates(Buffer.from(bundle ?? "", "base64").toString())
      .some((one) => one.fingerprint256 === own);
  } catch {
    return false;
  }
}

/** A configuration whose webhooks this server answers. */
export interface WebhookConfiguration {
  readonly kind: typeof MUTATING_WEBHOOKS | typeof VALIDATING_WEBHOOKS;
  readonly name: string;
}

/** Writes the authority into every webhook of the configuration. False when there is no such configuration. */
export async function publishAuthority(
  client: KubeClient,
  { kind, name }: WebhookConfiguration,
  authorityPem: string,
  now: number,
): Promise<boolean> {
  for (let attempt = 0; attempt < 10; attempt++) {
    try {
      // Both kinds have webhooks, and they have what is changed here in common.
      const found = await client.get(kind as typeof VALIDATING_WEBHOOKS, name);
      const webhooks = found.webhooks ?? [];
      if (webhooks.every((one) => hasAuthority(one.clientConfig.caBundle, authorityPem))) return true;
      const changed = webhooks.map((one) => ({
        ...one,
        clientConfig: {
          ...one.clientConfig,
          caBundle: withAuthority(one.clientConfig.caBundle, authorityPem, now),
        },
      }));
      await client.replace(kind as typeof VALIDATING_WEBHOOKS, { ...found, webhooks: changed });
      return true;
    } catch (error) {
      if (isNotFound(error)) return false;
      if (!isConflict(error)) throw error;
    }
  }
  throw new Error(`${name} changes faster than it can be written`);
}

export interface AuthorityPublisher {
  /** Whether the API server has been told of the current authority. */
  readonly isPublished: boolean;
  /** Makes another authority the current one. */
  use(authorityPem: string): void;
  stop(): void;
}

/** Keeps the current authority in the configuration, whoever else writes there. */
export function keepPublished(
  client: KubeClient,
  configuration: WebhookConfiguration,
  authorityPem: string,
): AuthorityPublisher {
  const { kind, name } = configuration;
  let current = authorityPem;
  let isPublished = false;
  let isStopped = false;
  let retry: ReturnType<typeof setTimeout> | undefined;
  let working = Promise.resolve();
  const publish = () => {
    clearTimeout(retry);
    working = working.then(async () => {
      if (isStopped) return;
      try {
        isPublished = await publishAuthority(client, configuration, current, Date.now());
      } catch (error) {
        console.error(`the webhook's caBundle could not be written: ${error}`);
        if (!isStopped) retry = setTimeout(publish, 1_000);
      }
    });
  };
  const informer = startInformer(client, kind as typeof VALIDATING_WEBHOOKS, {
    fieldSelector: `metadata.name=${name}`,
  });
  informer.subscribe({
    added: (object) => object.metadata?.name === name && publish(),
    modified: (object) => object.metadata?.name === name && publish(),
  });
  return {
    get isPublished() {
      return isPublished;
    },
    use(next) {
      current = next;
      isPublished = false;
      publish();
    },
    stop() {
      isStopped = true;
      clearTimeout(retry);
      informer.stop();
    },
  };
}
