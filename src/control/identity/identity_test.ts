import assert from "node:assert/strict";
import { createPublicKey, X509Certificate } from "node:crypto";
import "reflect-metadata";
import { Pkcs10CertificateRequestGenerator, SubjectAlternativeNameExtension } from "@peculiar/x509";
import { type CertifyRequest, IdentityDefinition } from "../../../proto/gen/identity.ts";
import { KubeError } from "../../kube/client.ts";
import { TOKEN_REVIEWS } from "../../kube/kinds.ts";
import { GrpcClient } from "../grpc/client.ts";
import { GrpcServer } from "../grpc/server.ts";
import { FakeKube } from "../testing/fake_kube.ts";
import { createAuthority, type KeyPair } from "./authority.ts";
import { type CredentialEvent, watchCredentials } from "./credentials.ts";
import { LeafSigner } from "./issue.ts";
import { certify, type CertifyOptions } from "./service.ts";
import { loadIssuer, TrustError } from "./trust.ts";

type JsonGeneralName = NonNullable<
  Extract<ConstructorParameters<typeof SubjectAlternativeNameExtension>[0], unknown[]>
>[number];

const DAY = 86_400_000;
const NOW = Date.parse("2026-06-01T00:00:00Z");
const DOMAIN = { controlPlaneNamespace: "linkerd", trustDomain: "cluster.local" };
const WEB = "web.shop.serviceaccount.identity.linkerd.cluster.local";
const TOKEN = "head.payload.signature";

const authority = await createAuthority("identity.linkerd.cluster.local", {
  now: NOW,
  lifetimeMs: 365 * DAY,
});
const authorityFiles = (pair: KeyPair, anchorsPem = pair.certificatePem) => ({
  certificatePem: pair.certificatePem,
  keyPem: pair.keyPem,
  anchorsPem,
  now: NOW,
});

async function requestFor(
  names: JsonGeneralName[],
  options: { cn?: string; curve?: string } = {},
): Promise<Uint8Array> {
  const algorithm = { name: "ECDSA", namedCurve: options.curve ?? "P-256", hash: "SHA-256" };
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: options.cn === undefined ? [] : [{ CN: [options.cn] }],
    keys,
    signingAlgorithm: algorithm,
    extensions: names.length === 0 ? [] : [new SubjectAlternativeNameExtension(names)],
  });
  return new Uint8Array(request.rawData);
}

function clusterThatKnows(token: string, username: string): FakeKube {
  const kube = new FakeKube();
  kube.answer(TOKEN_REVIEWS, (review) => ({
    ...review,
    status: review.spec.token === token
      ? { authenticated: true, user: { username } }
      : { authenticated: false, error: "invalid bearer token" },
  }));
  return kube;
}

async function optionsFor(change: Partial<CertifyOptions> = {}): Promise<CertifyOptions> {
  const issuer = loadIssuer(authorityFiles(authority));
  const kube = clusterThatKnows(TOKEN, "system:serviceaccount:shop:web");
  return {
    domain: DOMAIN,
    credentials: { current: { issuer, signer: await LeafSigner.create(issuer) }, problem: undefined },
    lifetimeMs: DAY,
    skewMs: 20_000,
    cluster: () => Promise.resolve(kube),
    now: () => NOW,
    ...change,
  };
}

async function requestOf(change: Partial<CertifyRequest> = {}): Promise<CertifyRequest> {
  return {
    identity: WEB,
    token: new TextEncoder().encode(TOKEN),
    certificateSigningRequest: await requestFor([{ type: "dns", value: WEB } as JsonGeneralName]),
    ...change,
  };
}

Deno.test("a workload gets a certificate for its own name over gRPC, good for a day and signed by the issuer", async () => {
  const server = new GrpcServer();
  const options = await optionsFor();
  server.add(IdentityDefinition, { certify: (request) => certify(options, request) });
  const port = await server.listen(0, "127.0.0.1");
  const client = new GrpcClient(IdentityDefinition, `127.0.0.1:${port}`);
  try {
    const answer = await client.call("certify", await requestOf());
    const leaf = new X509Certificate(answer.leafCertificate);
    const issuer = new X509Certificate(authority.certificatePem);
    assert.equal(leaf.subjectAltName, `DNS:${WEB}`);
    assert.ok(leaf.checkIssued(issuer) && leaf.verify(createPublicKey(authority.keyPem)));
    assert.equal(leaf.ca, false);
    assert.equal(Date.parse(leaf.validFrom), NOW - 20_000);
    assert.equal(Date.parse(leaf.validTo), NOW + DAY + 20_000);
    assert.equal(answer.validUntil?.getTime(), NOW + DAY + 20_000);
    assert.deepEqual(answer.intermediateCertificates, [], "a root is not sent with the chain");
    assert.deepEqual(answer.trustAnchors.map((der) => new X509Certificate(der).fingerprint256), [
      issuer.fingerprint256,
    ]);
    assert.deepEqual([...leaf.keyUsage].sort(), ["DigitalSignature", "KeyEncipherment"]);
  } finally {
    client.close();
    await server.stop();
  }
});

Deno.test("what may not be certified is refused with the code that says whose fault it is", async () => {
  const [INVALID, PRECONDITION] = [3, 9];
  const other = "api.shop.serviceaccount.identity.linkerd.cluster.local";
  const dns = (value: string) => ({ type: "dns", value }) as JsonGeneralName;
  const broken = await requestFor([dns(WEB)]);
  broken[broken.length - 5]! ^= 1;
  const cases: [string, Partial<CertifyRequest>, number, RegExp][] = [
    ["no identity", { identity: "" }, INVALID, /not a DNS-like identity/],
    ["an identity that is no name", { identity: "Web/../x" }, INVALID, /not a DNS-like identity/],
    ["no token", { token: new Uint8Array() }, INVALID, /no token/],
    ["a token of another shape", { token: new TextEncoder().encode("abc") }, INVALID, /web token/],
    [
      "a token nobody issued",
      { token: new TextEncoder().encode("a.b.c") },
      PRECONDITION,
      /not valid: invalid bearer/,
    ],
    [
      "no request",
      { certificateSigningRequest: new Uint8Array() },
      INVALID,
      /no certificate signing request/,
    ],
    ["garbage", { certificateSigningRequest: new Uint8Array([1, 2, 3]) }, INVALID, /not DER/],
    ["another's key", { certificateSigningRequest: broken }, PRECONDITION, /not signed by its own key/],
    [
      "another name",
      { certificateSigningRequest: await requestFor([dns(other)]) },
      PRECONDITION,
      /asks for api/,
    ],
    ["no name", { certificateSigningRequest: await requestFor([]) }, PRECONDITION, /exactly one/],
    [
      "two names",
      { certificateSigningRequest: await requestFor([dns(WEB), dns(other)]) },
      PRECONDITION,
      /exactly one/,
    ],
    [
      "an address",
      {
        certificateSigningRequest: await requestFor([
          dns(WEB),
          { type: "ip", value: "10.0.0.1" } as JsonGeneralName,
        ]),
      },
      PRECONDITION,
      /only DNS names/,
    ],
    [
      "a strange common name",
      { certificateSigningRequest: await requestFor([dns(WEB)], { cn: "root" }) },
      PRECONDITION,
      /common name root/,
    ],
    [
      "another workload's identity",
      { identity: other, certificateSigningRequest: await requestFor([dns(other)]) },
      PRECONDITION,
      /the token is web\.shop/,
    ],
  ];
  const options = await optionsFor();
  for (const [what, change, code, message] of cases) {
    await assert.rejects(
      certify(options, await requestOf(change)),
      (error: { code: number; message: string }) => error.code === code && message.test(error.message),
      what,
    );
  }
});

Deno.test("without an issuer, or with one that has lapsed, the answer is Unavailable", async () => {
  const unloaded = await optionsFor({ credentials: { current: undefined, problem: "no key" } });
  await assert.rejects(certify(unloaded, await requestOf()), {
    code: 14,
    message: "no issuer is loaded: no key",
  });
  const lapsed = await optionsFor({ now: () => NOW + 400 * DAY });
  await assert.rejects(certify(lapsed, await requestOf()), { code: 14, message: /may not sign/ });
});

Deno.test("a token is asked about again without an audience where the cluster knows none, and never passes on an outage", async () => {
  const asked: (string[] | undefined)[] = [];
  const kube = new FakeKube();
  kube.answer(TOKEN_REVIEWS, (review) => {
    asked.push(review.spec.audiences);
    return review.spec.audiences === undefined
      ? { ...review, status: { authenticated: true, user: { username: "system:serviceaccount:shop:web" } } }
      : { ...review, status: { authenticated: false, error: "audience mismatch" } };
  });
  const options = await optionsFor({ cluster: () => Promise.resolve(kube) });
  assert.ok((await certify(options, await requestOf())).leafCertificate.length > 0);
  assert.deepEqual(asked, [["identity.l5d.io"], undefined]);
  kube.answer(TOKEN_REVIEWS, () => {
    throw new KubeError(503, "ServiceUnavailable", "away");
  });
  await assert.rejects(certify(options, await requestOf()), { code: 13 });
});

Deno.test("a name longer than a common name stands in a critical alternative name alone", async () => {
  const name = "a-service-account-with-a-long-name.a-namespace-with-a-long-name";
  const identity = `${name}.serviceaccount.identity.linkerd.cluster.local`;
  const [account, namespace] = name.split(".");
  const kube = clusterThatKnows(TOKEN, `system:serviceaccount:${namespace}:${account}`);
  const answer = await certify(
    await optionsFor({ cluster: () => Promise.resolve(kube) }),
    await requestOf({
      identity,
      certificateSigningRequest: await requestFor([{ type: "dns", value: identity } as JsonGeneralName]),
    }),
  );
  const leaf = new X509Certificate(answer.leafCertificate);
  assert.equal(leaf.subjectAltName, `DNS:${identity}`);
  assert.ok(!leaf.subject);
});

Deno.test("an intermediate issuer is sent along, and its end bounds the leaf's", async () => {
  const intermediate = await createAuthority("issuer.linkerd", { now: NOW, lifetimeMs: DAY / 2 }, authority);
  const issuer = loadIssuer(authorityFiles(intermediate, authority.certificatePem));
  const answer = await certify(
    await optionsFor({
      credentials: { current: { issuer, signer: await LeafSigner.create(issuer) }, problem: undefined },
    }),
    await requestOf(),
  );
  assert.equal(answer.intermediateCertificates.length, 1);
  assert.equal(answer.validUntil?.getTime(), NOW + DAY / 2 + 20_000);
});

Deno.test("an issuer that does not fit is refused with the reason", async () => {
  const other = await createAuthority("other", { now: NOW, lifetimeMs: DAY });
  const expired = await createAuthority("old", { now: NOW - 10 * DAY, lifetimeMs: DAY });
  const cases: [Parameters<typeof loadIssuer>[0], RegExp][] = [
    [{ ...authorityFiles(authority), keyPem: other.keyPem }, /does not belong/],
    [authorityFiles(authority, other.certificatePem), /no trust anchor has issued/],
    [authorityFiles(expired), /not now/],
    [{ ...authorityFiles(authority), certificatePem: "" }, /no certificate/],
    [{ ...authorityFiles(authority), keyPem: "nonsense" }, /key cannot be read/],
    [{ ...authorityFiles(authority), anchorsPem: "" }, /no trust anchors/],
  ];
  for (const [files, message] of cases) {
    assert.throws(
      () => loadIssuer(files),
      (error) => error instanceof TrustError && message.test(error.message),
    );
  }
});

Deno.test("a rotated issuer is taken up live, and a broken one leaves the old in place", async () => {
  const directory = await Deno.makeTempDir();
  const write = async (pair: KeyPair) => {
    await Deno.writeTextFile(`${directory}/crt.pem`, pair.certificatePem);
    await Deno.writeTextFile(`${directory}/key.pem`, pair.keyPem);
    await Deno.writeTextFile(`${directory}/ca-bundle.crt`, pair.certificatePem);
  };
  await write(authority);
  const events: CredentialEvent[] = [];
  let told = () => {};
  const watcher = await watchCredentials(
    { issuerDirectory: directory, anchorsFile: `${directory}/ca-bundle.crt` },
    (event) => {
      events.push(event);
      told();
    },
    () => NOW,
  );
  const next = async (kind: CredentialEvent["kind"]) => {
    while (!events.some((event) => event.kind === kind)) await new Promise<void>((resolve) => told = resolve);
    events.length = 0;
  };
  try {
    await next("updated");
    const first = watcher.current;
    await Deno.writeTextFile(`${directory}/key.pem`, "half written");
    await next("refused");
    assert.equal(watcher.current, first);
    assert.match(watcher.problem ?? "", /key cannot be read/);
    await write(await createAuthority("second", { now: NOW, lifetimeMs: 10 * DAY }));
    await next("updated");
    assert.equal(watcher.current?.issuer.certificate.subject, "CN=second");
  } finally {
    watcher.stop();
    await Deno.remove(directory, { recursive: true });
  }
});
