/**
 * Proxies and control planes of different versions, on the wire: fields that one end does not know yet are passed over,
 * fields that the other does not send yet have their defaults.
 */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import * as destination from "../../../proto/gen/destination.ts";
import * as identity from "../../../proto/gen/identity.ts";
import * as inbound from "../../../proto/gen/inbound.ts";
import * as outbound from "../../../proto/gen/outbound.ts";
import * as tap from "../../../proto/gen/tap.ts";
import { GrpcClient } from "../../../src/control/grpc/client.ts";
import type { Codec, ServiceDescription } from "../../../src/control/grpc/service.ts";
import { shopController } from "../../../src/control/testing/shop.ts";
import { StreamReader } from "../../../src/control/testing/stream_reader.ts";
import { endpointOf } from "../../../src/proxy/control/translate_endpoint.ts";
import { serverPolicyOf } from "../../../src/proxy/control/translate_inbound.ts";

/** Fields of every wire type under numbers that nobody has given out: what a later version may add. */
function later(): Uint8Array {
  return new BinaryWriter()
    .tag(5001, WireType.Varint).uint64(2n ** 60n)
    .tag(5002, WireType.Bit64).fixed64(7n)
    .tag(5003, WireType.LengthDelimited).bytes(new Uint8Array([8, 1, 255, 0, 10, 200]))
    .tag(5004, WireType.Bit32).fixed32(9)
    .tag(5005, WireType.StartGroup).tag(1, WireType.Varint).uint32(3).tag(5005, WireType.EndGroup)
    .finish();
}

function joined(...parts: Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function isCodec(value: unknown): value is Codec<unknown> {
  return typeof value === "object" && value !== null && "decode" in value && "encode" in value;
}

const MODULES = { destination, identity, inbound, outbound, tap };
const CODECS = Object.entries(MODULES).flatMap(([module, exported]) =>
  Object.entries(exported).filter(([, value]) => isCodec(value)).map(([name, value]) =>
    [`${module}.${name}`, value as Codec<unknown>] as const
  )
);

Deno.test("every message passes over fields of a later version, before and after its own", () => {
  ok(CODECS.length > 100, String(CODECS.length));
  for (const [name, codec] of CODECS) {
    const empty = codec.decode(new Uint8Array());
    deepEqual(codec.decode(later()), empty, name);
    const bytes = codec.encode(empty).finish();
    deepEqual(codec.decode(joined(later(), bytes, later())), empty, name);
  }
});

/** The service as a later version has it: every message it writes has fields more. */
function ofLaterVersion<S extends ServiceDescription>(service: S): S {
  const more = (codec: Codec<unknown>) => ({
    ...codec,
    encode: (message: unknown) => ({ finish: () => joined(codec.encode(message).finish(), later()) }),
  });
  const methods = Object.entries(service.methods).map(([key, method]) =>
    [key, {
      ...method,
      requestType: more(method.requestType),
      responseType: more(method.responseType),
    }] as const
  );
  return { ...service, methods: Object.fromEntries(methods) } as S;
}

/** What a proxy of `client`'s version hears of a Service from a control plane of `server`'s. */
async function endpointsSeen(
  server: typeof destination.DestinationDefinition,
  client: typeof destination.DestinationDefinition,
  request: destination.GetDestination,
): Promise<(string | undefined)[]> {
  const { state, server: grpc } = shopController(server);
  const port = await grpc.listen(0, "127.0.0.1"), caller = new GrpcClient(client, `127.0.0.1:${port}`);
  const reader = new StreamReader(caller.stream("get", request));
  try {
    const { update } = await reader.next();
    return update?.$case !== "add"
      ? []
      : update.value.addrs.map((addr: destination.WeightedAddr) => endpointOf(addr)?.identity?.name);
  } finally {
    reader.cancel();
    caller.close();
    await grpc.stop(100);
    state.stop();
  }
}

const NOW = destination.DestinationDefinition, LATER = ofLaterVersion(NOW);
const WEB = {
  scheme: "",
  path: "web.shop.svc.cluster.local:80",
  contextToken: '{"ns":"shop","nodeName":"n","later":[1]}',
};

for (
  const [sentence, server, client, request] of [
    ["a later control plane tells this proxy", LATER, NOW, WEB],
    ["this control plane tells a later proxy", NOW, LATER, WEB],
    ["this control plane tells an earlier proxy, which sends a name alone", NOW, NOW, {
      scheme: "",
      path: WEB.path,
      contextToken: "",
    }],
  ] as const
) {
  Deno.test(`${sentence} of endpoints and their identities`, async () => {
    const [name = "", ...others] = await endpointsSeen(server, client, request);
    equal(others.length, 0);
    match(name, /^web\..*\.serviceaccount\.identity\.linkerd\.cluster\.local$/);
  });
}

Deno.test("a proxy takes an update of a kind it does not know for none, and an endpoint without what is new as it is", () => {
  const unknown = new BinaryWriter().tag(99, WireType.LengthDelimited).bytes(new Uint8Array([8, 1])).finish();
  equal(destination.Update.decode(unknown).update, undefined);
  const address = destination.WeightedAddr.encode({
    ...destination.WeightedAddr.decode(new Uint8Array()),
    addr: { ip: { ip: { $case: "ipv4", value: 0x0a2a0005 } }, port: 8080 },
  }).finish();
  const endpoint = endpointOf(destination.WeightedAddr.decode(joined(address, later())));
  deepEqual([endpoint?.identity, endpoint?.hint, endpoint?.transportPort], [undefined, "none", undefined]);
  // A protocol hint of a later version, in field 4 (ProtocolHint): unknown inside, so none.
  const hint = new BinaryWriter().tag(4, WireType.LengthDelimited).bytes(later()).finish();
  equal(endpointOf(destination.WeightedAddr.decode(joined(address, hint)))?.hint, "none");
});

Deno.test("a proxy never takes an authorization that it does not understand for a permission", () => {
  const permissionsOf = (authentication: inbound.Authn) => {
    const net = { ip: { ip: { $case: "ipv4" as const, value: 0 } }, prefixLen: 0 };
    const server = inbound.Server.decode(
      inbound.Server.encode({
        ...inbound.Server.decode(new Uint8Array()),
        protocol: { kind: { $case: "opaque", value: {} } },
        labels: { group: "policy.linkerd.io", kind: "server", name: "web" },
        authorizations: [{
          ...inbound.Authz.decode(new Uint8Array()),
          networks: [{ net, except: [] }],
          authentication,
        }],
      }).finish(),
    );
    return serverPolicyOf(server)?.authorizations.length;
  };
  equal(permissionsOf({ permit: { $case: "unauthenticated", value: {} } }), 1, "one that it understands");
  equal(permissionsOf(inbound.Authn.decode(later())), undefined, "no policy at all: the one before stays");
});
