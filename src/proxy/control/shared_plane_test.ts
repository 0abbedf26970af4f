import { deepEqual, equal, ok } from "node:assert/strict";
import { DEFAULT_CLASSES } from "./translate_classes.ts";
import { encodeMessage, MessageCutter } from "../cores/wire.ts";
import type { ToMain, ToWorker } from "../cores/messages.ts";
import { defaultServerPolicy } from "../policy/server_policy.ts";
import { balanced, endpointAt, FakeControl } from "../testing/fake_control.ts";
import { BATCH } from "./endpoint_book.ts";
import type { EndpointUpdate, Watch } from "./plane.ts";
import { RemotePlane } from "./remote_plane.ts";
import { SharedPlane } from "./shared_plane.ts";
import { Slices } from "../worker/slices.ts";

const PATH = "web.shop.svc.cluster.local:80", ADDRESS = { ip: "10.43.0.7", port: 80 };
const endpoint = (index: number) => endpointAt({ ip: `10.42.0.${index}`, port: 80 });

class Rig {
  readonly control = new FakeControl();
  #now = 0;
  #deferred: (() => void)[] = [];
  readonly plane = new SharedPlane(
    this.control,
    new Slices(
      { servedAt: -Infinity, defer: (callback) => this.#deferred.push(callback), after: () => () => {} },
      (fault) => {
        throw fault;
      },
      () => this.#now += 1000,
    ),
  );

  /** One turn of the loop, promises included. */
  async turn(): Promise<void> {
    for (const callback of this.#deferred.splice(0)) callback();
    await new Promise((done) => setTimeout(done, 0));
  }
}

/** The addresses that updates leave. */
function left(updates: readonly EndpointUpdate[]): string[] {
  const ips = new Set<string>();
  for (const update of updates) {
    if (update.kind === "replace") ips.clear();
    if ("endpoints" in update) { for (const info of update.endpoints) ips.add(info.address.ip); }
    else if (update.kind === "remove") { for (const { ip } of update.addresses) ips.delete(ip); }
    else ips.clear();
  }
  return [...ips].sort();
}

Deno.test("several ask, one watch is open, and it is cancelled when the last has left", async () => {
  const rig = new Rig(), { control, plane } = rig;
  control.decisions.set("10.43.0.7:80", balanced(PATH));
  const told: string[] = [];
  const join = (who: string): Watch =>
    plane.watchOutbound(ADDRESS, ({ authority }) => told.push(`${who} ${authority}`), () => {});
  const first = join("first");
  await rig.turn();
  const second = join("second");
  await rig.turn();
  deepEqual(told, [`first ${PATH}`, `second ${PATH}`]);
  equal(control.open, 1);
  first.cancel();
  equal(control.open, 1);
  second.cancel();
  equal(control.open, 0);
  equal(plane.size, 0);
});

Deno.test("who asks later is told the policy that stands, and both are told the next", async () => {
  const rig = new Rig(), { control, plane } = rig, told: [string, string][] = [];
  const policy = (name: "deny" | "audit") => defaultServerPolicy(name, [], false, 1000);
  control.policies.set(80, policy("deny"));
  for (const who of ["first", "second"]) {
    plane.watchInboundPort(80, ({ server }) => told.push([who, server.name]));
    await rig.turn();
  }
  control.setPolicy(80, policy("audit"));
  deepEqual(told, [["first", "deny"], ["second", "deny"], ["first", "audit"], ["second", "audit"]]);
});

Deno.test("a large set is told to who asks later in batches, as it is by then", async () => {
  const rig = new Rig(), { control, plane } = rig;
  const all = Array.from({ length: 100 }, (_, index) => endpoint(index));
  control.endpoints.set(PATH, all);
  plane.resolve(PATH, () => {});
  await rig.turn();
  const updates: EndpointUpdate[] = [];
  const late = plane.resolve(PATH, (update) => updates.push(update));
  for (let i = 0; i < 3; i++) await rig.turn();
  // Meanwhile one that has been told goes, one that has not goes, and one comes.
  control.update(PATH, { kind: "remove", addresses: [all[0]!.address, all[99]!.address] });
  control.update(PATH, { kind: "add", endpoints: [endpoint(200)] });
  for (let i = 0; i < 30; i++) await rig.turn();
  ok(updates.every((update) => !("endpoints" in update) || update.endpoints.length <= BATCH));
  const expected = [...all.slice(1, 99), endpoint(200)].map((info) => info.address.ip).sort();
  deepEqual(left(updates), expected);
  late.cancel();
  const count = updates.length;
  control.update(PATH, { kind: "reset" });
  equal(updates.length, count, "nothing more after its end");
});

Deno.test("a worker's plane asks and is told over the wire, and a cancelled watch hears nothing", async () => {
  const rig = new Rig(), { control, plane } = rig, sent: ToMain[] = [];
  const remote = new RemotePlane((message) => sent.push(...wired<ToMain>(message)));
  control.policies.set(80, defaultServerPolicy("all-authenticated", [], false, 1000));
  const names: unknown[] = [];
  const watch = remote.watchInboundPort(
    80,
    ({ authorizations }) => names.push(authorizations[0]!.authentication),
  );
  const asked = sent.pop();
  ok(asked?.kind === "watch-port" && asked.port === 80);
  plane.watchInboundPort(asked.port, (policy) => {
    for (const message of wired<ToWorker>({ kind: "policy", watch: asked.watch, policy })) {
      remote.receive(message as ToWorker & { readonly watch: number });
    }
  });
  await rig.turn();
  deepEqual(names, [{ kind: "identity", names: new Set(), suffixes: [""] }]);
  watch.cancel();
  deepEqual(sent, [{ kind: "cancel", watch: asked.watch }]);
  control.setPolicy(80, defaultServerPolicy("deny", [], false, 1000));
  equal(names.length, 1);
});

Deno.test("a name is asked about over the wire as an address is, once for both loops", async () => {
  const rig = new Rig(), { control, plane } = rig, sent: ToMain[] = [], told: string[] = [];
  const remote = new RemotePlane((message) => sent.push(...wired<ToMain>(message)));
  const target = { name: "web.shop.svc.cluster.local", port: 80 };
  control.decisions.set(PATH, balanced(PATH));
  const own = plane.watchOutbound(target, ({ authority }) => told.push(`own ${authority}`), () => {});
  remote.watchOutbound(target, ({ authority }) => told.push(`remote ${authority}`), () => {});
  const asked = sent.pop();
  ok(asked?.kind === "watch-outbound");
  deepEqual(asked.target, target);
  const theirs = plane.watchOutbound(asked.target, (decision) => {
    for (const message of wired<ToWorker>({ kind: "decision", watch: asked.watch, decision })) {
      remote.receive(message as ToWorker & { readonly watch: number });
    }
  }, () => {});
  await rig.turn();
  deepEqual(told.sort(), [`own ${PATH}`, `remote ${PATH}`]);
  equal(control.open, 1);
  own.cancel();
  theirs.cancel();
  equal(control.open, 0);
});

Deno.test("a profile is told to both loops over one watch, its absence too", async () => {
  const rig = new Rig(), { control, plane } = rig, sent: ToMain[] = [], told: unknown[] = [];
  const remote = new RemotePlane((message) => sent.push(...wired<ToMain>(message)));
  const target = { name: "web.shop.svc.cluster.local", port: 80 };
  const route = { dst: PATH, labels: { route: "items" }, failures: DEFAULT_CLASSES };
  const routes = [{ hosts: [], rules: [{ matches: [], target: route }] }];
  const own = plane.watchProfile(target, (routes) => told.push(["own", routes]));
  remote.watchProfile(target, (routes) => told.push(["remote", routes]));
  const asked = sent.pop();
  ok(asked?.kind === "watch-profile");
  const theirs = plane.watchProfile(asked.target, (routes) => {
    for (const message of wired<ToWorker>({ kind: "profile", watch: asked.watch, routes })) {
      remote.receive(message as ToWorker & { readonly watch: number });
    }
  });
  await rig.turn();
  control.setProfile(PATH, routes);
  deepEqual(told, [["own", undefined], ["remote", undefined], ["own", routes], ["remote", routes]]);
  equal(control.open, 1);
  own.cancel();
  theirs.cancel();
  equal(control.open, 0);
});

/** A message as it arrives at the other loop. */
function wired<Message>(message: Message): Message[] {
  return [...new MessageCutter().push(encodeMessage(message))] as Message[];
}
