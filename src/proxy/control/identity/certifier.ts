/**
 * The workload's certificate: asked for at the start, checked before it is used, renewed when 70 % of its life is
 * over, and swapped in without touching a connection. While the identity service is away the old one stays in use.
 * Source: proxy.md §11; protocol-api.md §8.
 */
import { CertifyRequest, CertifyResponse } from "../../../../proto/gen/identity.ts";
import { readCertificate } from "../../../linux/openssl/certificate.ts";
import type { TlsIdentity } from "../../../linux/openssl/context.ts";
import { certificateRequest, type PrivateKey } from "../../../linux/openssl/key.ts";
import { verifyChain } from "../../../linux/openssl/verify.ts";
import type { ProxyConfig } from "../../config/environment.ts";
import type { Telemetry } from "../../telemetry/telemetry.ts";
import type { Log } from "../../telemetry/log.ts";
import type { TlsContexts } from "../../tls/contexts.ts";
import type { Loop } from "../../worker/loop.ts";
import { backoffDelay } from "../backoff.ts";
import type { GrpcChannel } from "../grpc.ts";

const CERTIFY = "/io.linkerd.proxy.identity.Identity/Certify";
const TIMEOUT_MS = 10_000, RENEW_AT = 0.7;
/** Until the first certificate the workload waits: attempts come quicker than IDENTITY_MIN_REFRESH. */
const FIRST_BACKOFF = { minMs: 50, maxMs: 500, jitter: 0.5 };

export interface CertifierOptions {
  readonly config: ProxyConfig;
  readonly loop: Loop;
  readonly log: Log;
  readonly telemetry: Telemetry;
  readonly tls: TlsContexts;
  readonly channel: GrpcChannel;
  readonly key: PrivateKey;
  readonly readToken: () => Uint8Array;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** A certificate has been taken into use. */
  readonly onIdentity?: (identity: TlsIdentity, anchors: readonly Uint8Array[]) => void;
}

/** When to renew a certificate that expires at `notAfter`: milliseconds from now, within the bounds of the config. */
export function renewalDelay(
  notAfter: number,
  now: number,
  bounds: { readonly minRefreshMs: number; readonly maxRefreshMs: number },
): number {
  return Math.min(bounds.maxRefreshMs, Math.max(bounds.minRefreshMs, (notAfter - now) * RENEW_AT));
}

export class Certifier {
  #isStopped = false;

  constructor(private readonly options: CertifierOptions) {}

  /** Certifies and renews until `stop`; `onFirst` is called once the workload has an identity. */
  async run(onFirst: () => void): Promise<void> {
    const { config, loop, log } = this.options,
      request = certificateRequest(this.options.key, config.identity.localName);
    let isFirst = true;
    for (let attempt = 1; !this.#isStopped; attempt++) {
      const outcome = await this.#certify(request);
      if (typeof outcome === "string") {
        this.#count("error");
        const delay = isFirst ? backoffDelay(FIRST_BACKOFF, attempt) : config.identity.minRefreshMs;
        log.warn("no certificate yet", { error: outcome, retryMs: Math.round(delay) });
        await loop.sleep(delay);
        continue;
      }
      attempt = 0;
      this.#count("ok");
      if (isFirst) {
        isFirst = false;
        log.info("certified", {
          identity: config.identity.localName,
          expires: new Date(outcome).toISOString(),
        });
        onFirst();
      }
      await loop.sleep(renewalDelay(outcome, this.options.now(), config.identity));
    }
  }

  #count(result: "ok" | "error"): void {
    this.options.telemetry.counter(
      "control_identity_cert_refreshes_total",
      "Attempts to renew the workload's certificate",
      { result },
    ).value++;
  }

  /** @returns when the new certificate expires, or why there is none */
  async #certify(request: Uint8Array): Promise<number | string> {
    const { config, channel, tls, key, telemetry, now } = this.options, { localName } = config.identity;
    let response: CertifyResponse;
    try {
      const message = CertifyRequest.encode({
        identity: localName,
        token: this.options.readToken(),
        certificateSigningRequest: request,
      }).finish();
      response = CertifyResponse.decode(await channel.unary(CERTIFY, message, TIMEOUT_MS));
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
    const chain = [response.leafCertificate, ...response.intermediateCertificates];
    const facts = readCertificate(response.leafCertificate);
    if (facts === undefined || !facts.names.includes(localName)) {
      return `the certificate is not for ${localName}`;
    }
    // Whoever may certify every name may also say whose certificates count: the answer came by mutual TLS.
    const anchors = response.trustAnchors.length > 0 ? response.trustAnchors : tls.anchors;
    if (anchors.some((anchor) => readCertificate(anchor) === undefined)) return "a trust anchor is malformed";
    const problem = verifyChain(chain, anchors);
    if (problem !== undefined) return `the certificate does not lead to a trust anchor: ${problem}`;
    try {
      tls.install({ key, chain }, anchors);
      this.options.onIdentity?.({ key, chain }, anchors);
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
    const seconds = (name: string, help: string, value: number) => {
      telemetry.gauge(name, help).value = Math.floor(value / 1000);
    };
    seconds(
      "control_identity_cert_expiration_timestamp_seconds",
      "When the certificate expires",
      facts.notAfter,
    );
    seconds(
      "control_identity_cert_refresh_timestamp_seconds",
      "When the certificate was last renewed",
      now(),
    );
    return facts.notAfter;
  }

  stop(): void {
    this.#isStopped = true;
  }
}
