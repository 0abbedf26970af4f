import { deepEqual, equal } from "node:assert/strict";
import { TapEvent } from "../../../proto/gen/tap.ts";
import { EVENT_BUFFER, type TapRecord } from "./observation.ts";
import { ObserveCall } from "./observe_call.ts";

const EVENT = TapEvent.decode(new Uint8Array(0));
const record = (stream: number, step: TapRecord["step"], event = EVENT): TapRecord => ({
  stream,
  step,
  event,
});

function drain(call: ObserveCall): Uint8Array[] {
  const events: Uint8Array[] = [];
  for (let event = call.next(); event !== undefined; event = call.next()) events.push(event);
  return events;
}

function start(limit: number) {
  const counts = { events: { value: 0 }, dropped: { value: 0 } };
  const news: number[] = [];
  const call = new ObserveCall(limit, counts, () => news.push(counts.events.value));
  return { call, counts, news };
}

Deno.test("the limit counts requests of all loops, and what was taken is told to its end", () => {
  const { call, news } = start(2);
  equal(call.take(1, record(0, "first")), true);
  equal(call.take(2, record(0, "first")), true, "of another loop");
  equal(call.take(1, record(1, "first")), false, "one too many");
  equal(call.isOver, false);
  equal(call.take(1, record(0, "next")), true);
  equal(call.take(1, record(1, "next")), false, "of a request that was not taken");
  call.take(1, record(0, "last"));
  equal(call.isOver, false, "the other loop's goes on");
  call.take(2, record(0, "last"));
  equal(call.isOver, true);
  equal(drain(call).length, 5);
  deepEqual(news, [1, 5], "told when the first event waits, and when it is over");
});

Deno.test("events that are not read are bounded, and those that found no room are counted", () => {
  const { call, counts } = start(1000);
  for (let stream = 0; stream < EVENT_BUFFER; stream++) equal(call.take(1, record(stream, "first")), true);
  equal(call.take(1, record(EVENT_BUFFER, "first")), false);
  equal(call.left, 1000 - EVENT_BUFFER, "a request without room does not count");
  equal(call.take(1, record(0, "next")), true, "its event is lost, the request is not");
  equal(counts.dropped.value, 2);
  equal(drain(call).length, EVENT_BUFFER);
  equal(call.take(1, record(EVENT_BUFFER, "first")), true);
});

Deno.test("large events are bounded by their bytes", () => {
  const { call, counts } = start(1000),
    large = { ...EVENT, sourceMeta: { labels: { long: "x".repeat(100_000) } } };
  for (let stream = 0; stream < 20; stream++) call.take(1, record(stream, "first", large));
  equal(drain(call).length, 10);
  equal(counts.dropped.value, 10);
});

Deno.test("an end that found no room, and a loop that is gone, still end the call", () => {
  const { call } = start(2);
  call.take(1, record(0, "first"));
  call.take(2, record(0, "first"));
  call.take(1, { stream: 0, step: "last", event: undefined });
  equal(call.isOver, false);
  call.lost(2);
  equal(call.isOver, true);
  equal(drain(call).length, 2);
});
