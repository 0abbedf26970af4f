/** An issuer as cert-manager writes it and the kubelet mounts it: kubernetes.io/tls, a chain, a key of SEC 1, links. */
import assert from "node:assert/strict";
import { createPrivateKey, X509Certificate } from "node:crypto";
import "reflect-metadata";
import { Pkcs10CertificateRequestGenerator, SubjectAlternativeNameExtension } from "@peculiar/x509";
import { createAuthority, type KeyPair } from "./authority.ts";
import { type CredentialEvent, watchCredentials } from "./credentials.ts";
import { checkRequest } from "./issue.ts";

const DAY = 86_400_000, NOW = Date.parse("2026-06-01T00:00:00Z");
const WEB = "web.shop.serviceaccount.identity.linkerd.cluster.local";
const ISSUER = "identity.linkerd.cluster.local";

/** cert-manager's default encoding of a key is PKCS#1 for RSA and SEC 1 for curves. */
function asCertManager(pair: KeyPair): KeyPair {
  const keyPem = createPrivateKey(pair.keyPem).export({ format: "pem", type: "sec1" }).toString();
  assert.match(keyPem, /BEGIN EC PRIVATE KEY/);
  return { ...pair, keyPem };
}

/** A Secret as the kubelet mounts it: files are links into `..data`, itself a link that one rename turns. */
class MountedSecret {
  #count = 0;
  constructor(readonly directory: string) {}

  async write(files: Readonly<Record<string, string>>): Promise<void> {
    const version = `..version_${this.#count++}`;
    await Deno.mkdir(`${this.directory}/${version}`);
    for (const [name, text] of Object.entries(files)) {
      await Deno.writeTextFile(`${this.directory}/${version}/${name}`, text);
      await Deno.symlink(`..data/${name}`, `${this.directory}/${name}`).catch(() => {}); // there since the first time
    }
    await Deno.symlink(version, `${this.directory}/..data_tmp`);
    await Deno.rename(`${this.directory}/..data_tmp`, `${this.directory}/..data`);
  }
}

async function requestOf(identity: string): Promise<Uint8Array> {
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const request = await Pkcs10CertificateRequestGenerator.create({
    keys: await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]),
    signingAlgorithm: algorithm,
    extensions: [new SubjectAlternativeNameExtension([{ type: "dns", value: identity }])],
  });
  return new Uint8Array(request.rawData);
}

Deno.test("an issuer that cert-manager keeps signs, and is taken up when it renews it", async () => {
  const root = await createAuthority("root.linkerd.cluster.local", { now: NOW, lifetimeMs: 3650 * DAY });
  const renewed = async () =>
    asCertManager(await createAuthority(ISSUER, { now: NOW, lifetimeMs: 2 * DAY }, root));
  const secretOf = (pair: KeyPair) => ({
    "tls.crt": pair.certificatePem,
    "tls.key": pair.keyPem,
    "ca.crt": root.certificatePem,
  });
  const directory = await Deno.makeTempDir(), anchors = await Deno.makeTempDir();
  await Deno.writeTextFile(`${anchors}/ca-bundle.crt`, root.certificatePem);
  const secret = new MountedSecret(directory), first = await renewed(), second = await renewed();
  await secret.write(secretOf(first));
  const events: CredentialEvent[] = [];
  let told = () => {};
  const watcher = await watchCredentials(
    { issuerDirectory: directory, anchorsFile: `${anchors}/ca-bundle.crt` },
    (event) => {
      events.push(event);
      told();
    },
    () => NOW,
  );
  try {
    assert.equal(watcher.problem, undefined);
    const signedBy = async () => {
      const { signer } = watcher.current!;
      const request = await checkRequest(await requestOf(WEB), WEB);
      const { der } = await signer.sign(request, WEB, { now: NOW, lifetimeMs: DAY, skewMs: 0 });
      return new X509Certificate(der);
    };
    const isOf = (leaf: X509Certificate, pair: KeyPair) =>
      leaf.verify(new X509Certificate(pair.certificatePem).publicKey);
    assert.ok(isOf(await signedBy(), first));
    events.length = 0;
    await secret.write(secretOf(second));
    while (!events.some(({ kind }) => kind === "updated")) {
      await new Promise<void>((resolve) => told = resolve);
    }
    const leaf = await signedBy();
    assert.ok(isOf(leaf, second) && !isOf(leaf, first));
    assert.equal(leaf.subjectAltName, `DNS:${WEB}`);
  } finally {
    watcher.stop();
    await Promise.all([directory, anchors].map((path) => Deno.remove(path, { recursive: true })));
  }
});
