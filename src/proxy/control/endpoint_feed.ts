/**
 * The endpoints of one name from the messages of its stream, in batches: a message of 10,000 endpoints is decoded,
 * translated and told eight at a time, with turns of the loop between. Messages are worked off in their order.
 *
 * The first message of a stream that was opened again tells all there are: what is no longer among them is removed
 * after they have been added, so that a name is never empty on the way.
 * Source: protocol-api.md §7 (semantics of Get).
 */
import { BinaryReader } from "@bufbuild/protobuf/wire";
import {
  NoEndpoints,
  WeightedAddr,
  WeightedAddrSet_MetricLabelsEntry,
} from "../../../proto/gen/destination.ts";
import { TcpAddress } from "../../../proto/gen/net.ts";
import { addressOfText, formatAddress, type SocketAddress } from "../../linux/address.ts";
import { BATCH } from "./endpoint_book.ts";
import type { EndpointInfo, EndpointUpdate } from "./plane.ts";
import type { Slices } from "../worker/slices.ts";
import { endpointOf } from "./translate_endpoint.ts";
import { socketAddressOf } from "./translate_net.ts";

/** Fields passed over at once: less than a batch's work. */
const FIELDS_PER_STEP = 512;

/** Field numbers of Update and of the sets within. */
const ADD = 1, REMOVE = 2, NO_ENDPOINTS = 3, ADDRESSES = 1, LABELS = 2;

export class EndpointFeed {
  /** Addresses that have been told, and in which generation last: a stream that was opened again begins a new one. */
  readonly #told = new Map<string, number>();
  #generation = 0;
  readonly #messages: { readonly bytes: Uint8Array; readonly isFirst: boolean }[] = [];
  #cancelTask: (() => void) | undefined;

  constructor(private readonly slices: Slices, private readonly onUpdate: (update: EndpointUpdate) => void) {}

  /** Takes a message (Update); it is worked off in the turns to come. */
  push(bytes: Uint8Array, isFirst: boolean): void {
    this.#messages.push({ bytes, isFirst });
    this.#cancelTask ??= this.slices.run(this.#work());
  }

  cancel(): void {
    this.#messages.length = 0;
    this.#cancelTask?.();
  }

  *#work(): Generator<void> {
    try {
      for (let message; (message = this.#messages[0]) !== undefined; this.#messages.shift()) {
        yield* this.#update(message.bytes, message.isFirst);
      }
    } finally {
      this.#cancelTask = undefined;
      this.#messages.shift();
      // After a message that cannot be read the next is another chance.
      if (this.#messages.length > 0) this.#cancelTask = this.slices.run(this.#work());
    }
  }

  *#update(bytes: Uint8Array, isFirst: boolean): Generator<void> {
    const reader = new BinaryReader(bytes);
    while (reader.pos < reader.len) {
      const [field, wireType] = reader.tag();
      if (wireType !== 2) {
        reader.skip(wireType);
        continue;
      }
      const part = reader.bytes();
      if (field === ADD) yield* this.#add(part, isFirst);
      else if (field === REMOVE) yield* this.#removeAll(addressesIn(part));
      else if (field === NO_ENDPOINTS) {
        const { exists } = NoEndpoints.decode(part);
        this.#generation++;
        yield* this.#removeAll(this.#outdated());
        this.onUpdate({ kind: exists ? "reset" : "absent" });
      }
    }
  }

  *#add(bytes: Uint8Array, isFirst: boolean): Generator<void> {
    const labels: Record<string, string> = {};
    if (isFirst) this.#generation++;
    for (const reader of fieldsOf(bytes, LABELS)) {
      if (reader === undefined) {
        yield;
        continue;
      }
      const { key, value } = WeightedAddrSet_MetricLabelsEntry.decode(reader.bytes());
      labels[key] = value;
    }
    let batch: EndpointInfo[] = [];
    for (const reader of fieldsOf(bytes, ADDRESSES)) {
      if (reader === undefined) {
        yield;
        continue;
      }
      const endpoint = endpointOf(WeightedAddr.decode(reader, reader.uint32()), labels);
      if (endpoint === undefined) continue;
      this.#told.set(formatAddress(endpoint.address), this.#generation);
      batch.push(endpoint);
      if (batch.length < BATCH) continue;
      this.onUpdate({ kind: "add", endpoints: batch });
      batch = [];
      yield;
    }
    if (batch.length > 0) this.onUpdate({ kind: "add", endpoints: batch });
    if (isFirst) yield* this.#removeAll(this.#outdated());
  }

  /** What an earlier generation told and this one did not; undefined where a step's worth was passed over. */
  *#outdated(): Generator<SocketAddress | undefined> {
    let passed = 0;
    for (const [key, generation] of this.#told) {
      if (generation !== this.#generation) yield addressOfText(key);
      else if (++passed % FIELDS_PER_STEP === 0) yield undefined;
    }
  }

  *#removeAll(addresses: Iterable<SocketAddress | undefined>): Generator<void> {
    let batch: SocketAddress[] = [];
    for (const address of addresses) {
      if (address === undefined) {
        yield;
        continue;
      }
      this.#told.delete(formatAddress(address));
      batch.push(address);
      if (batch.length < BATCH) continue;
      this.onUpdate({ kind: "remove", addresses: batch });
      batch = [];
      yield;
    }
    if (batch.length > 0) this.onUpdate({ kind: "remove", addresses: batch });
  }
}

/** The reader at each length-delimited field of a number; undefined where a step's worth of others was passed over. */
function* fieldsOf(bytes: Uint8Array, wanted: number): Generator<BinaryReader | undefined> {
  const reader = new BinaryReader(bytes);
  for (let passed = 1; reader.pos < reader.len; passed++) {
    const [field, wireType] = reader.tag();
    if (field === wanted && wireType === 2) {
      yield reader;
      continue;
    }
    reader.skip(wireType);
    if (passed % FIELDS_PER_STEP === 0) yield undefined;
  }
}

function* addressesIn(bytes: Uint8Array): Generator<SocketAddress | undefined> {
  for (const reader of fieldsOf(bytes, ADDRESSES)) {
    yield reader === undefined ? undefined : socketAddressOf(TcpAddress.decode(reader, reader.uint32()));
  }
}
