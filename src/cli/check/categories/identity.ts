/** Whether what certifies workloads is sound, and stays so for a while. */
import { Buffer } from "node:buffer";
import { createPrivateKey, createPublicKey, type X509Certificate } from "node:crypto";
import { certificateName, parseCertificates, TrustError } from "../../../control/identity/trust.ts";
import { certificateLife } from "../../../mesh/certificate_life.ts";
import { ISSUER_SECRET } from "../../../mesh/names.ts";
import { type Category, CheckFailure, refuse } from "../check_model.ts";
import type { Facts } from "../facts.ts";

export const DAY_MS = 86_400_000;

/** `subject (serial)`: enough to find it. */
function label(certificate: X509Certificate): string {
  return `${certificateName(certificate)} (serial ${certificate.serialNumber})`;
}

export function validityProblems(certificates: readonly X509Certificate[], now: number): string[] {
  return certificates.flatMap((one) => {
    const from = Date.parse(one.validFrom), to = Date.parse(one.validTo);
    if (now < from) return [`${label(one)} is not valid before ${new Date(from).toISOString()}`];
    if (now >= to) return [`${label(one)} is not valid anymore. Expired on ${new Date(to).toISOString()}`];
    return [];
  });
}

function expiryProblems(certificates: readonly X509Certificate[], now: number): string[] {
  return certificates.filter((one) => certificateLife(Date.parse(one.validTo), now) !== "sound")
    .map((one) => `${label(one)} will expire on ${new Date(one.validTo).toISOString()}`);
}

/** OIDs of the signatures that proxies take: ecdsa-with-SHA256 and sha256WithRSAEncryption, as DER has them. */
const SIGNATURES = ["06082a8648ce3d040302", "06092a864886f70d01010b"].map((hex) => Buffer.from(hex, "hex"));

function cryptoProblems(certificates: readonly X509Certificate[], isRsaAllowed: boolean): string[] {
  return certificates.flatMap((one) => {
    const { asymmetricKeyType: type, asymmetricKeyDetails: details } = one.publicKey;
    const isEcdsa = type === "ec" && details?.namedCurve === "prime256v1";
    const isRsa = type === "rsa" && [2048, 4096].includes(details?.modulusLength ?? 0);
    if (!isEcdsa && !(isRsaAllowed && isRsa)) {
      return [`${label(one)}: its key must be ECDSA P-256, not ${details?.namedCurve ?? type}`];
    }
    const raw = Buffer.from(one.raw);
    return SIGNATURES.some((oid) => raw.includes(oid))
      ? []
      : [`${label(one)}: it must be signed with SHA-256`];
  });
}

function read(pem: string, what: string): X509Certificate[] {
  try {
    const certificates = parseCertificates(pem);
    if (certificates.length > 0) return certificates;
  } catch (error) {
    if (!(error instanceof TrustError)) throw error;
    throw new CheckFailure(`${what}: ${error.message}`);
  }
  throw new CheckFailure(`${what} holds no certificate`);
}

async function anchors(facts: Facts): Promise<X509Certificate[]> {
  return read(await facts.anchors(), "the trust anchors' ConfigMap");
}

/** The issuer's pair, by the keys that its scheme has. */
async function issuerPair(facts: Facts): Promise<{ chain: X509Certificate[]; keyPem: string }> {
  const [{ data = {} }, values] = await Promise.all([facts.issuerSecret(), facts.values()]);
  const { scheme } = values.identity.issuer;
  const names = scheme === "kubernetes.io/tls" ? ["tls.crt", "tls.key"] : ["crt.pem", "key.pem"];
  const missing = names.filter((name) => !data[name]);
  refuse(missing.map((name) => `Secret ${ISSUER_SECRET} has no key ${name}, which scheme ${scheme} needs`));
  const [crt, key] = names.map((name) => Buffer.from(data[name]!, "base64").toString()) as [string, string];
  return { chain: read(crt, `Secret ${ISSUER_SECRET}`), keyPem: key };
}

async function issuer(facts: Facts): Promise<X509Certificate[]> {
  return [(await issuerPair(facts)).chain[0]!];
}

function keyProblem(certificate: X509Certificate, keyPem: string): string[] {
  let own: string;
  try {
    own = createPublicKey(createPrivateKey(keyPem)).export({ format: "der", type: "spki" }).toString("hex");
  } catch (error) {
    return [`the issuer's key cannot be read: ${error instanceof Error ? error.message : error}`];
  }
  const named = certificate.publicKey.export({ format: "der", type: "spki" }).toString("hex");
  return own === named ? [] : ["the issuer's key does not belong to its certificate"];
}

/** Whether a chain leads to one of the anchors. */
function leadsTo(chain: readonly X509Certificate[], roots: readonly X509Certificate[]): boolean {
  let last = chain[0]!;
  for (let rest = chain.slice(1);;) {
    const isRoot = roots.some((root) =>
      root.fingerprint256 === last.fingerprint256 || (last.checkIssued(root) && last.verify(root.publicKey))
    );
    if (isRoot) return true;
    const next = rest.find((one) => last.checkIssued(one) && last.verify(one.publicKey));
    if (next === undefined) return false;
    rest = rest.filter((one) => one !== next);
    last = next;
  }
}

export const identity: Category = {
  name: "linkerd-identity",
  checks: [
    {
      description: "certificate config is valid",
      anchor: "l5d-identity-cert-config-valid",
      isFatal: true,
      async run(facts) {
        await anchors(facts);
        const { chain, keyPem } = await issuerPair(facts);
        refuse(keyProblem(chain[0]!, keyPem));
      },
    },
    {
      description: "trust anchors are using supported crypto algorithm",
      anchor: "l5d-identity-trustAnchors-use-supported-crypto",
      isFatal: true,
      run: async (facts) => refuse(cryptoProblems(await anchors(facts), true)),
    },
    {
      description: "trust anchors are within their validity period",
      anchor: "l5d-identity-trustAnchors-are-time-valid",
      isFatal: true,
      run: async (facts) => refuse(validityProblems(await anchors(facts), facts.now)),
    },
    {
      description: "trust anchors are valid for at least 60 days",
      anchor: "l5d-identity-trustAnchors-not-expiring-soon",
      isWarning: true,
      run: async (facts) => refuse(expiryProblems(await anchors(facts), facts.now)),
    },
    {
      description: "issuer cert is using supported crypto algorithm",
      anchor: "l5d-identity-issuer-cert-uses-supported-crypto",
      isFatal: true,
      run: async (facts) => refuse(cryptoProblems(await issuer(facts), false)),
    },
    {
      description: "issuer cert is within its validity period",
      anchor: "l5d-identity-issuer-cert-is-time-valid",
      isFatal: true,
      run: async (facts) => refuse(validityProblems(await issuer(facts), facts.now)),
    },
    {
      description: "issuer cert is valid for at least 60 days",
      anchor: "l5d-identity-issuer-cert-not-expiring-soon",
      isWarning: true,
      run: async (facts) => refuse(expiryProblems(await issuer(facts), facts.now)),
    },
    {
      description: "issuer cert is issued by the trust anchor",
      anchor: "l5d-identity-issuer-cert-issued-by-trust-anchor",
      async run(facts) {
        const [{ chain }, roots] = await Promise.all([issuerPair(facts), anchors(facts)]);
        if (!leadsTo(chain, roots)) {
          throw new CheckFailure(
            `no trust anchor has issued ${label(chain[0]!)}; its issuer is "${chain[0]!.issuer}"`,
          );
        }
      },
    },
  ],
};
