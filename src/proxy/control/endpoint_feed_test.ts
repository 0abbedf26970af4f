import { deepEqual, equal, ok } from "node:assert/strict";
import { Update } from "../../../proto/gen/destination.ts";
import { formatAddress } from "../../linux/address.ts";
import { BATCH, EndpointBook } from "./endpoint_book.ts";
import { EndpointFeed } from "./endpoint_feed.ts";
import type { EndpointUpdate } from "./plane.ts";
import { Slices } from "../worker/slices.ts";
import { tcpAddressOf } from "./translate_net.ts";

/** Turns made by hand: what is deferred runs when the test says so. */
class Turns {
  #deferred: (() => void)[] = [];
  readonly faults: unknown[] = [];
  #now = 0;
  /** Nobody is served, and each step takes as long as a slice may. */
  readonly slices = new Slices(
    { servedAt: -Infinity, defer: (callback) => this.#deferred.push(callback), after: () => () => {} },
    (fault) => this.faults.push(fault),
    () => this.#now += 1000,
  );

  /** @returns false when nothing was left to do */
  turn(): boolean {
    const due = this.#deferred.splice(0);
    for (const callback of due) callback();
    return due.length > 0;
  }

  /** Turns until all is done. @returns how many it took */
  finish(): number {
    let count = 0;
    while (this.turn()) count++;
    return count;
  }
}

const address = (index: number) => ({ ip: `10.42.${index >> 8}.${index & 255}`, port: 8080 });
const addOf = (indices: readonly number[], labels: Record<string, string> = {}) =>
  Update.encode({
    update: {
      $case: "add",
      value: {
        addrs: indices.map((index) => ({
          addr: tcpAddressOf(address(index)),
          weight: 10_000,
          metricLabels: { pod: `pod-${index}` },
          tlsIdentity: undefined,
          protocolHint: undefined,
          authorityOverride: undefined,
          http2: undefined,
          resourceRef: undefined,
        })),
        metricLabels: labels,
      },
    },
  }).finish();
const removeOf = (indices: readonly number[]) =>
  Update.encode({
    update: { $case: "remove", value: { addrs: indices.map((index) => tcpAddressOf(address(index))) } },
  }).finish();
const emptyOf = (exists: boolean) =>
  Update.encode({ update: { $case: "noEndpoints", value: { exists } } }).finish();
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

/** What one update asks of the data plane: the units that must not pile up in a turn. */
function unitsOf(update: EndpointUpdate): number {
  return update.kind === "remove"
    ? update.addresses.length
    : "endpoints" in update
    ? update.endpoints.length
    : 1;
}

function addressesIn(book: EndpointBook): string[] {
  const snapshot = book.snapshot();
  return snapshot !== undefined && "endpoints" in snapshot
    ? snapshot.endpoints.map((info) => formatAddress(info.address)).sort()
    : [];
}

Deno.test("10,000 endpoints are told a batch a turn, and another name is not kept waiting", () => {
  const turns = new Turns(), perTurn: number[] = [];
  let current = 0, otherAfter = 0, total = 0;
  const big = new EndpointFeed(turns.slices, (update) => current += unitsOf(update));
  const small = new EndpointFeed(turns.slices, () => otherAfter = perTurn.length + 1);
  const message = addOf(range(0, 10_000), { namespace: "shop" });
  big.push(message, true);
  small.push(addOf([1]), true);
  while (turns.turn()) {
    perTurn.push(current);
    total += current;
    current = 0;
  }
  equal(total, 10_000);
  equal(Math.max(...perTurn), BATCH);
  ok(perTurn.length < 10_000 / BATCH + 50, `${perTurn.length} turns`);
  ok(otherAfter <= 2, `after ${otherAfter} turns`);
});

Deno.test("the set's labels reach every endpoint, though they come after them on the wire", () => {
  const turns = new Turns(), updates: EndpointUpdate[] = [];
  new EndpointFeed(turns.slices, (update) => updates.push(update)).push(
    addOf([1], { namespace: "shop" }),
    true,
  );
  turns.finish();
  deepEqual(updates.map((update) => "endpoints" in update && update.endpoints[0]!.labels), [{
    namespace: "shop",
    pod: "pod-1",
  }]);
});

Deno.test("a stream opened again removes what is gone, after it has added what is new", () => {
  const turns = new Turns(), book = new EndpointBook(), sizes: number[] = [];
  const feed = new EndpointFeed(turns.slices, (update) => {
    ok(unitsOf(update) <= BATCH);
    book.apply(update);
    sizes.push(addressesIn(book).length);
  });
  feed.push(addOf(range(0, 100)), true);
  turns.finish();
  feed.push(addOf(range(50, 150)), true);
  turns.finish();
  deepEqual(addressesIn(book), range(50, 150).map((index) => formatAddress(address(index))).sort());
  ok(Math.min(...sizes.slice(13)) >= 100, "never fewer on the way");
});

Deno.test("messages are worked off in their order, and an empty set takes everything away", () => {
  const turns = new Turns(), book = new EndpointBook(), kinds: string[] = [];
  const feed = new EndpointFeed(turns.slices, (update) => {
    kinds.push(update.kind);
    book.apply(update);
  });
  feed.push(addOf(range(0, 40)), true);
  feed.push(removeOf(range(0, 20)), false);
  feed.push(addOf([5]), false);
  turns.finish();
  equal(addressesIn(book).length, 21);
  feed.push(emptyOf(true), false);
  turns.finish();
  deepEqual(book.snapshot(), { kind: "reset" });
  feed.push(addOf([7]), false);
  feed.push(emptyOf(false), false);
  turns.finish();
  deepEqual(book.snapshot(), { kind: "absent" });
  equal(kinds.at(-1), "absent");
});

Deno.test("a message that cannot be read is told and skipped; a cancelled feed tells nothing more", () => {
  const turns = new Turns(), updates: EndpointUpdate[] = [];
  const feed = new EndpointFeed(turns.slices, (update) => updates.push(update));
  feed.push(Uint8Array.of(0x0a, 0x7f, 1, 2), true);
  feed.push(addOf([3]), true);
  turns.finish();
  equal(turns.faults.length, 1);
  equal(updates.length, 1);
  feed.push(addOf(range(0, 100)), false);
  turns.turn();
  const before = updates.length;
  feed.cancel();
  turns.finish();
  equal(updates.length, before);
});
