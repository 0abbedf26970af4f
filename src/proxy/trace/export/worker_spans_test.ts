import { deepEqual, equal } from "node:assert/strict";
import type { Span } from "../span.ts";
import { QUEUE } from "./span_queue.ts";
import { WorkerSpans } from "./worker_spans.ts";

/** Spans are told apart by their names; that is all that matters here. */
const spanOf = (name: string) => ({ name }) as Span;

function rig(): { spans: WorkerSpans; sent: string[][]; turn: () => void; dropped: { value: number } } {
  const sent: string[][] = [], deferred: (() => void)[] = [], dropped = { value: 0 };
  const send = ({ spans }: { spans: readonly Span[] }) => sent.push(spans.map(({ name }) => name));
  const spans = new WorkerSpans(send, (callback) => deferred.push(callback), dropped);
  return { spans, sent, turn: () => deferred.splice(0).forEach((callback) => callback()), dropped };
}

Deno.test("spans of one turn are one message, and one message is under way at a time", () => {
  const { spans, sent, turn } = rig();
  for (const name of ["a", "b"]) spans.take(spanOf(name));
  deepEqual(sent, []);
  turn();
  for (const name of ["c", "d"]) spans.take(spanOf(name));
  turn();
  deepEqual(sent, [["a", "b"]]);
  spans.taken();
  turn();
  deepEqual(sent, [["a", "b"], ["c", "d"]]);
  spans.taken();
  turn();
  equal(sent.length, 2);
});

Deno.test("what finds no room is dropped and counted; what does goes in small messages", () => {
  const { spans, sent, turn, dropped } = rig();
  for (let i = 0; i < QUEUE + 3; i++) spans.take(spanOf(String(i)));
  equal(dropped.value, 3);
  for (let i = 0; i < QUEUE; i++) {
    turn();
    spans.taken();
  }
  deepEqual(sent.map(({ length }) => length), [16, 16, 16, 16, 16, 16, 4]);
  deepEqual(sent.flat(), Array.from({ length: QUEUE }, (_, i) => String(i)));
});

Deno.test("a loop that ends sends what it has, whatever is under way", () => {
  const { spans, sent, turn } = rig();
  spans.take(spanOf("a"));
  turn();
  spans.take(spanOf("b"));
  spans.end();
  deepEqual(sent, [["a"], ["b"]]);
  spans.end();
  equal(sent.length, 2);
});
