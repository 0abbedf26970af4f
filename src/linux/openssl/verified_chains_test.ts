/** What is taken for verified, and what never is. */
import { deepEqual, equal, match, notEqual } from "node:assert/strict";
import { TestAuthority } from "../../proxy/testing/certificates.ts";
import { close } from "../socket.ts";
import { createSocketPair } from "../socketpair.ts";
import { TlsContext, type TlsIdentity } from "./context.ts";
import { TLS_FAILED, TlsSession } from "./session.ts";
import { type VerifiedChain, VerifiedChains } from "./verified_chains.ts";

const SERVER = "server.test", CLIENT = "client.test";

function chainOf(der: number[], overrides: Partial<VerifiedChain> = {}): VerifiedChain {
  return {
    der: Uint8Array.from(der),
    peerName: "",
    names: ["a"],
    notBefore: 100,
    notAfter: 200,
    ...overrides,
  };
}

/** One handshake. @returns what both sides know after it */
function shake(server: TlsContext, client: TlsContext, peerName = SERVER) {
  const [near, far] = createSocketPair(), accepting = new TlsSession(server, near);
  const connecting = new TlsSession(client, far, { serverName: SERVER, peerName });
  let accepted = 0, connected = 0;
  for (let round = 0; round < 4 && accepted !== TLS_FAILED && connected !== TLS_FAILED; round++) {
    if (connected !== 1) connected = connecting.handshake();
    if (accepted !== 1) accepted = accepting.handshake();
  }
  const isGood = accepted === 1 && connected === 1;
  const seen = {
    isGood,
    client: isGood ? accepting.peerIdentities() : [],
    server: isGood ? connecting.peerIdentities() : [],
    failure: [connecting.failure, accepting.failure].join(),
  };
  for (const session of [accepting, connecting]) session.free();
  for (const fd of [near, far]) close(fd);
  return seen;
}

async function pair(authority: TestAuthority, client: TlsIdentity) {
  const anchors = [authority.anchor], identity = await authority.issue(SERVER);
  return {
    server: new TlsContext({ side: "server", anchors, identity }),
    client: new TlsContext({ side: "client", anchors, identity: client }),
  };
}

Deno.test("a chain is found by all of its bytes, for its name and while it is in date", () => {
  const chains = new VerifiedChains(), chain = chainOf([1, 2, 3, 4, 5, 6]);
  chains.keep(chain);
  const find = (bytes: number[], name = "", now = 150) =>
    chains.find(Uint8Array.from(bytes), bytes.length, name, now);
  equal(find([1, 2, 3, 4, 5, 6]), chain);
  equal(find([9, 2, 3, 4, 5, 6]), undefined, "another beginning with the same end");
  equal(find([2, 3, 4, 5, 6]), undefined, "a part of it");
  equal(find([0, 1, 2, 3, 4, 5, 6]), undefined, "more than it");
  equal(find([1, 2, 3, 4, 5, 6], "other"), undefined, "for another name");
  equal(find([1, 2, 3, 4, 5, 6], "", 99), undefined, "not in date yet");
  equal(find([1, 2, 3, 4, 5, 6], "", 100), chain);
  equal(find([1, 2, 3, 4, 5, 6], "", 200), undefined, "not in date any more");
});

Deno.test("of too many chains the oldest are forgotten", () => {
  const chains = new VerifiedChains();
  for (let i = 0; i < 2000; i++) chains.keep(chainOf([7, 0, 0, i >> 8, i & 255]));
  equal(chains.size, 512);
  equal(chains.find(Uint8Array.of(7, 0, 0, 0, 0), 5, "", 150), undefined);
  notEqual(chains.find(Uint8Array.of(7, 0, 0, 1999 >> 8, 1999 & 255), 5, "", 150), undefined);
});

Deno.test("a peer that comes back is known by its names, and remembered once", async () => {
  const authority = await TestAuthority.create();
  const { server, client } = await pair(authority, await authority.issue(CLIENT));
  for (let i = 0; i < 3; i++) {
    deepEqual(shake(server, client), { isGood: true, client: [CLIENT], server: [SERVER], failure: "," });
  }
  equal(server.verified.size, 1);
  equal(client.verified.size, 1);
});

Deno.test("another certificate of the same name is verified by itself: a stranger's is refused, ours is taken", async () => {
  const authority = await TestAuthority.create(), stranger = await TestAuthority.create();
  const { server, client } = await pair(authority, await authority.issue(CLIENT));
  equal(shake(server, client).isGood, true);
  const forged = await pair(authority, await stranger.issue(CLIENT));
  const refused = shake(server, forged.client);
  equal(refused.isGood, false);
  match(refused.failure, /certificate/);
  equal(server.verified.size, 1);
  const renewed = await pair(authority, await authority.issue(CLIENT));
  equal(shake(server, renewed.client).isGood, true);
  equal(server.verified.size, 2);
});

Deno.test("a verified server is not taken for one of another name", async () => {
  const authority = await TestAuthority.create();
  const { server, client } = await pair(authority, await authority.issue(CLIENT));
  equal(shake(server, client).isGood, true);
  match(shake(server, client, "other.test").failure, /hostname mismatch/i);
  equal(shake(server, client).isGood, true);
});

Deno.test("a certificate whose time is over is asked about anew, not remembered as good", async () => {
  const authority = await TestAuthority.create(), now = Date.now;
  const short = await authority.issue(CLIENT, { notAfter: new Date(now() + 2000) });
  const { server, client } = await pair(authority, short);
  equal(shake(server, client).isGood, true);
  try {
    Date.now = () => now() + 3000; // OpenSSL has a clock of its own: it is asked again, and still says yes
    equal(shake(server, client).isGood, true);
    equal(server.verified.find(short.chain[0]!, short.chain[0]!.length, "", Date.now()), undefined);
  } finally {
    Date.now = now;
  }
});

Deno.test("a chain with an intermediate is told from the same leaf without it", async () => {
  const authority = await TestAuthority.create();
  const leaf = await authority.issue(CLIENT), more = { ...leaf, chain: [...leaf.chain, authority.anchor] };
  const { server, client } = await pair(authority, leaf), longer = await pair(authority, more);
  equal(shake(server, client).isGood, true);
  equal(shake(server, longer.client).isGood, true);
  equal(shake(server, longer.client).isGood, true);
  equal(server.verified.size, 2);
});
