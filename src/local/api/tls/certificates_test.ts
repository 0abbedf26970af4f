import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { createAuthority, issueServingCertificate } from "./certificates.ts";

Deno.test("the serving certificate is signed by the authority and names every host", async () => {
  const authority = await createAuthority("kubernetes");
  const serving = await issueServingCertificate(authority, ["kubernetes.default.svc", "127.0.0.1"]);
  const ca = new X509Certificate(authority.certificate);
  const leaf = new X509Certificate(serving.certificate);
  assert.equal(ca.ca, true);
  assert.equal(leaf.ca, false);
  assert.equal(leaf.checkIssued(ca), true);
  assert.equal(leaf.verify(ca.publicKey), true);
  assert.equal(leaf.checkHost("kubernetes.default.svc"), "kubernetes.default.svc");
  assert.equal(leaf.checkIP("127.0.0.1"), "127.0.0.1");
});

Deno.test("a TLS client that trusts the authority alone accepts the server", async () => {
  const authority = await createAuthority("kubernetes");
  const { certificate: cert, key } = await issueServingCertificate(authority, ["127.0.0.1"]);
  const listener = Deno.listenTls({ hostname: "127.0.0.1", port: 0, cert, key });
  const accepted = listener.accept().then(async (connection) => {
    await connection.handshake();
    connection.close();
  });
  const client = await Deno.connectTls({
    hostname: "127.0.0.1",
    port: listener.addr.port,
    caCerts: [authority.certificate],
  });
  await client.handshake();
  client.close();
  await accepted;
  listener.close();
});
