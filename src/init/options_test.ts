import assert from "node:assert/strict";
import { parseOptions, UsageError } from "./options.ts";

const REQUIRED = ["--incoming-proxy-port", "4143", "--outgoing-proxy-port", "4140"];

Deno.test("the injector's command line is understood", () => {
  const options = parseOptions([
    ...REQUIRED,
    "--proxy-uid",
    "2102",
    "--inbound-ports-to-ignore",
    "4190,4191,4567,8000-9000",
    "--outbound-ports-to-ignore=4567,4568",
    "--ipv6=false",
    "--iptables-mode",
    "nft",
    "--log-format=json",
  ]);
  assert.equal(options.proxyUid, 2102);
  assert.deepEqual(options.inboundPortsToIgnore.at(-1), { first: 8000, last: 9000 });
  assert.deepEqual(options.outboundPortsToIgnore.map(({ first }) => first), [4567, 4568]);
  assert.equal(options.hasIPv6, false);
  assert.equal(options.logFormat, "json");
});

Deno.test("short flags, repeated lists and defaults are those of Linkerd", () => {
  const options = parseOptions([
    "-p",
    "4143",
    "-o=4140",
    "-u2102",
    "-g",
    "7",
    "-r",
    "80",
    "-r",
    "443,8080",
    "-w",
  ]);
  assert.equal(options.incomingProxyPort, 4143);
  assert.equal(options.outgoingProxyPort, 4140);
  assert.equal(options.proxyUid, 2102);
  assert.equal(options.proxyGid, 7);
  assert.deepEqual(options.portsToRedirect.map(({ first }) => first), [80, 443, 8080]);
  assert.equal(options.hasIPv6, true);
  assert.equal(options.isSimulated, false);
  assert.equal(options.closeWaitSeconds, 0);
});

for (
  const [args, expected] of [
    [["--incoming-proxy-prot", "4143"], /unknown flag: --incoming-proxy-prot/],
    [["-x"], /unknown flag: -x/],
    [["--__proto__=1"], /unknown flag/],
    [["extra"], /unexpected argument: extra/],
    [["--outgoing-proxy-port", "4140"], /--incoming-proxy-port must be a valid TCP port number/],
    [[...REQUIRED, "--proxy-uid"], /--proxy-uid needs a value/],
    [[...REQUIRED, "--proxy-uid", "me"], /--proxy-uid: "me" is not a number/],
    [[...REQUIRED, "--inbound-ports-to-ignore", "80-70"], /"80-70" is neither a port/],
    [[...REQUIRED, "--inbound-ports-to-ignore", "70000"], /"70000" is neither a port/],
    [[...REQUIRED, "--ipv6=maybe"], /--ipv6: "maybe" is neither true nor false/],
    [[...REQUIRED, "--iptables-mode=magic"], /--iptables-mode must be one of legacy, nft, plain/],
  ] as const
) {
  Deno.test(`refused with a clear sentence: ${args.at(-1)} ${args.at(-2) ?? ""}`, () => {
    assert.throws(
      () => parseOptions(args),
      (error) => error instanceof UsageError && expected.test(error.message),
    );
  });
}
