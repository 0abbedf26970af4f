/**
 * A pair of proxies before an application that listens already, for test suites of other projects
 * (docs/conformance.md): client's proxy → mutual TLS → server's proxy → application.
 *
 * usage: deno run -A tests/conformance/pair.ts APPLICATION_PORT
 */
import { TestAuthority } from "../../src/proxy/testing/certificates.ts";
import { balanced, endpointAt } from "../../src/proxy/testing/fake_control.ts";
import { CLIENT, SERVER, startTestProxy } from "../../src/proxy/testing/meshed_pair.ts";

const SERVICE = { ip: "10.43.0.7", port: 80 }, WEB = "web.shop.svc.cluster.local:80";
/** As the proxy has it by itself; its own tests want it shorter. */
const PATIENT = {
  LINKERD2_PROXY_INBOUND_DETECT_TIMEOUT: "10s",
  LINKERD2_PROXY_OUTBOUND_HTTP_FAILFAST_TIMEOUT: "3s",
};

const port = Number(Deno.args[0]);
if (!Number.isInteger(port) || port < 1 || port > 65535) {
  console.error("usage: deno run -A tests/conformance/pair.ts APPLICATION_PORT");
  Deno.exit(2);
}
const authority = await TestAuthority.create(), application = { ip: "127.0.0.1", port };
const client = await startTestProxy(authority, CLIENT, PATIENT);
const server = await startTestProxy(authority, SERVER, PATIENT);
const alone = await startTestProxy(authority, SERVER, PATIENT);
client.redirect("outbound", SERVICE);
client.control.decisions.set(`${SERVICE.ip}:${SERVICE.port}`, balanced(WEB));
client.control.endpoints.set(WEB, [endpointAt(application, SERVER, server.inboundAddress.port)]);
alone.redirect("inbound", application);
console.log(`through both proxies:    127.0.0.1:${client.outboundAddress.port}`);
console.log(`the server's proxy only: 127.0.0.1:${alone.inboundAddress.port}`);
Deno.addSignalListener("SIGINT", async () => {
  await Promise.all([client, server, alone].map((proxy) => proxy.stop()));
  const faults = [client, server, alone].flatMap((proxy) => proxy.faults);
  for (const fault of faults) console.error(fault);
  Deno.exit(faults.length === 0 ? 0 : 1);
});
