import assert from "node:assert/strict";
import { Registry } from "prom-client";
import { createAuthority } from "../identity/authority.ts";
import { exportCertificateEnds } from "../identity/certificate_ends.ts";
import { type Issuer, loadIssuer } from "../identity/trust.ts";
import { podRecord } from "./inventory.ts";
import { pod } from "../testing/objects.ts";
import { Certificates, readCertificateEnds } from "./certificates.ts";

const DAY = 86_400_000;
const NOW = Date.parse("2026-06-01T00:00:00Z");

const root = await createAuthority("root.linkerd.cluster.local", { now: NOW, lifetimeMs: 300 * DAY });
const other = await createAuthority("next.linkerd.cluster.local", { now: NOW, lifetimeMs: 200 * DAY });
const own = await createAuthority(
  "identity.linkerd.cluster.local",
  { now: NOW, lifetimeMs: 100 * DAY },
  root,
);
const issuer = loadIssuer({
  certificatePem: own.certificatePem,
  keyPem: own.keyPem,
  anchorsPem: root.certificatePem + other.certificatePem,
  now: NOW,
});

async function exposition(current: Issuer | undefined): Promise<string> {
  const registry = new Registry();
  exportCertificateEnds(registry, () => current);
  return await registry.metrics();
}

const DOMAIN = { controlPlaneNamespace: "linkerd", trustDomain: "cluster.local" };
const identityPods = ["identity-a", "identity-b"].map((name) =>
  podRecord(pod({ name, namespace: "linkerd", ip: "10.42.0.9" }), DOMAIN)
);

Deno.test("what identity exports of its issuer and anchors is read as it stands in the certificates", async () => {
  const ends = readCertificateEnds(await exposition(issuer));
  assert.deepEqual(
    ends,
    [
      { use: "issuer", certificate: issuer.certificate },
      { use: "anchor", certificate: issuer.anchors[1]! },
      { use: "anchor", certificate: issuer.anchors[0]! },
    ].map(({ use, certificate }) => ({
      use,
      name: certificate.subject.replace("CN=", ""),
      serial: certificate.serialNumber,
      validUntil: Date.parse(certificate.validTo),
    })),
  );
  assert.deepEqual(readCertificateEnds(await exposition(undefined)), []);
});

Deno.test("the next pod is asked when one does not answer, and silence forgets nothing", async () => {
  const [good, none] = [await exposition(issuer), await exposition(undefined)];
  const answers = new Map<string, string>([["identity-b", good]]);
  const asked: string[] = [];
  const certificates = new Certificates({
    inventory: {
      pods: ({ namespace, labels } = {}) => {
        assert.deepEqual([namespace, labels], ["linkerd", "linkerd.io/control-plane-component=identity"]);
        return identityPods;
      },
    },
    namespace: "linkerd",
    fetchMetrics: ({ name }) => {
      asked.push(name);
      const answer = answers.get(name);
      return answer === undefined ? Promise.reject(new Error("connection refused")) : Promise.resolve(answer);
    },
  });
  assert.deepEqual(certificates.ends, []);
  await certificates.refresh();
  assert.deepEqual(asked, ["identity-a", "identity-b"]);
  assert.equal(certificates.ends.length, 3);
  answers.set("identity-b", none);
  await certificates.refresh();
  assert.equal(certificates.ends.length, 3);
  certificates.stop();
});
