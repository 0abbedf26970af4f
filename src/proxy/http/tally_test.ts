import { deepEqual, equal, ok } from "node:assert/strict";
import { HTTP_FAMILIES, RouteSeries } from "../telemetry/route_series.ts";
import { withPair } from "../testing/meshed_pair.ts";
import { rowValue } from "../testing/routed_shop.ts";
import type { Runtime } from "../runtime.ts";
import type { Loop } from "../worker/loop.ts";
import { rowsOf } from "../telemetry/rows.ts";
import { Tally } from "./tally.ts";

/** A tally whose clock is set, in milliseconds. */
function tallyAt(): { tally: Tally; at(ms: number): void } {
  const clock = { now: 1000, micros: () => clock.now };
  return { tally: new Tally(clock as unknown as Loop), at: (ms) => clock.now = 1000 + ms * 1000 };
}

Deno.test("a response's time runs from the request's last byte, and the request's from its head", () => {
  const { tally, at } = tallyAt();
  const inbound = new RouteSeries(HTTP_FAMILIES.inboundRoute);
  const backend = new RouteSeries(HTTP_FAMILIES.outboundBackend);
  for (const series of [inbound, backend]) {
    at(0);
    tally.begin();
    tally.request(series);
    at(400);
    tally.requestFrame(10);
    tally.requestEnded();
    tally.requestEnded(); // its trailers, behind an empty end
    at(440);
    tally.final(200, undefined, -1);
    // The next ends with its head.
    tally.begin();
    tally.request(series);
    at(460);
    tally.final(200, undefined, -1);
    at(500);
    tally.requestEnded(); // too late to say
  }
  const rounded = (told: { below: readonly number[]; count: number; sum: number } | undefined) =>
    told && [told.below, told.count, Number(told.sum.toFixed(6))];
  const { durations } = inbound;
  deepEqual([durations.below(), durations.count], [[1, 1, 1, 1, 2, 2, 2], 2]);
  deepEqual(rounded(inbound.responses()), [[2, 2, 2, 2], 2, 0.06]);
  deepEqual([backend.durations.below(), backend.durations.count], [[1, 2, 2, 2, 2, 2, 2], 2]);
  equal(backend.responses(), undefined, "its durations are these already");
  equal(inbound.requestFrames?.count, 1, "content is counted in any case");
});

Deno.test("an attempt that is made again with all of its request at once takes no time to be sent", () => {
  const { tally, at } = tallyAt(), backend = new RouteSeries(HTTP_FAMILIES.outboundBackend);
  tally.begin();
  tally.request(backend);
  at(400);
  tally.requestEnded();
  at(420);
  tally.response(503, undefined, -1);
  tally.retry(backend);
  at(450);
  tally.final(200, undefined, -1);
  deepEqual(backend.durations.below().slice(0, 2), [1, 2]);
});

function sumOf({ telemetry, arena }: Runtime, name: string): number {
  let family = "", sum = 0;
  for (const row of rowsOf(telemetry, arena)) {
    if (row.kind === "family") family = row.name;
    else if (family === name && row.kind === "histogram") sum += row.sum;
  }
  return sum;
}

Deno.test("a slow upload is no slow response, on either side", async () => {
  const begun = Promise.withResolvers<void>();
  await withPair(async (request) => {
    for await (const _part of request.body!) begun.resolve();
    return new Response("done");
  }, async ({ url, client, server }) => {
    async function* slowly() {
      yield new Uint8Array(10);
      await begun.promise; // it has passed both proxies
      await new Promise((done) => setTimeout(done, 60));
      yield new Uint8Array(10);
    }
    const response = await fetch(url, { method: "POST", body: ReadableStream.from(slowly()) });
    equal(await response.text(), "done");
    const inbound = (name: string) => sumOf(server.runtime, `inbound_http_${name}_duration_seconds`);
    const outbound = (name: string) => sumOf(client.runtime, `outbound_http_route_${name}_duration_seconds`);
    ok(inbound("request") - inbound("response") > 0.04);
    ok(outbound("request") - outbound("backend_response") > 0.04);
    equal(rowValue(server.runtime, "inbound_http_response_duration_seconds"), 1);
  });
});
