import "reflect-metadata";
import { equal } from "node:assert/strict";
import { Buffer } from "node:buffer";
import { X509Certificate } from "node:crypto";
import { Pkcs10CertificateRequestGenerator } from "@peculiar/x509";
import { verifyChain } from "../../linux/openssl/verify.ts";
import { createAuthority } from "./authority.ts";
import { LeafSigner } from "./issue.ts";
import { loadIssuer } from "./trust.ts";

const DAY_MS = 86_400_000;

Deno.test("of two anchors with the same name OpenSSL tries the one that has signed, in whichever order they stand", async () => {
  const when = { now: Date.now(), lifetimeMs: DAY_MS };
  const authorities = await Promise.all(
    [1, 2].map(() => createAuthority("identity.linkerd.cluster.local", when)),
  );
  const anchors = authorities.map(({ certificatePem }) => new X509Certificate(certificatePem).raw);
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]) as CryptoKeyPair;
  const request = await Pkcs10CertificateRequestGenerator.create({ keys, signingAlgorithm: algorithm });
  for (const { certificatePem, keyPem } of authorities) {
    const issuer = loadIssuer({ certificatePem, keyPem, anchorsPem: certificatePem, now: when.now });
    const signer = await LeafSigner.create(issuer);
    const leaf = await signer.sign(request, "web.shop", { ...when, skewMs: 1000 });
    for (const trusted of [anchors, anchors.toReversed()]) {
      equal(verifyChain([leaf.der], trusted.map((raw: Buffer) => Uint8Array.from(raw))), undefined);
    }
  }
});
