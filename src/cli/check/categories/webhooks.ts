/**
 * Whether the API server can believe the injector. Its certificates are its own affair: each replica has an authority,
 * adds it to the webhook's caBundle and renews it ten days before it ends; so there is no Secret to look at.
 */
import { Buffer } from "node:buffer";
import type { X509Certificate } from "node:crypto";
import { parseCertificates } from "../../../control/identity/trust.ts";
import { MUTATING_WEBHOOKS } from "../../../kube/kinds.ts";
import { INJECTOR_SERVICE, INJECTOR_WEBHOOK_CONFIGURATION } from "../../../mesh/names.ts";
import { type Category, CheckFailure } from "../check_model.ts";
import type { Facts } from "../facts.ts";
import { DAY_MS, validityProblems } from "./identity.ts";

const RENEWED_DAYS = 9;

async function authorities(facts: Facts): Promise<X509Certificate[]> {
  const configuration = await facts.client.get(MUTATING_WEBHOOKS, INJECTOR_WEBHOOK_CONFIGURATION);
  const bundle = configuration.webhooks?.[0]?.clientConfig.caBundle;
  if (!bundle) {
    throw new CheckFailure(
      `${INJECTOR_WEBHOOK_CONFIGURATION} has no caBundle: ${INJECTOR_SERVICE} has not started, or may not update it`,
    );
  }
  const certificates = parseCertificates(Buffer.from(bundle, "base64").toString());
  const name = `${INJECTOR_SERVICE}.${facts.namespace}.svc`;
  const own = certificates.filter(({ subject, subjectAltName }) =>
    `${subject} ${subjectAltName}`.includes(name)
  );
  if (own.length === 0) throw new CheckFailure(`the caBundle holds no authority of ${name}`);
  return own;
}

export const webhooks: Category = {
  name: "linkerd-webhooks-and-apisvc-tls",
  checks: [
    {
      description: "proxy-injector webhook has valid cert",
      anchor: "l5d-proxy-injector-webhook-cert-valid",
      isFatal: true,
      isRetried: true,
      async run(facts) {
        const all = await authorities(facts), problems = validityProblems(all, facts.now);
        if (problems.length === all.length) throw new CheckFailure(problems.join("; "));
      },
    },
    {
      description: `proxy-injector cert is valid for at least ${RENEWED_DAYS} days`,
      anchor: "l5d-proxy-injector-webhook-cert-not-expiring-soon",
      isWarning: true,
      async run(facts) {
        const ends = Math.max(...(await authorities(facts)).map(({ validTo }) => Date.parse(validTo)));
        if (ends - facts.now >= RENEWED_DAYS * DAY_MS) return;
        throw new CheckFailure(
          `it will expire on ${new Date(ends).toISOString()} and should have been renewed by now`,
        );
      },
    },
  ],
};
