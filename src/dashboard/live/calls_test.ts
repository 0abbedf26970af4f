import assert from "node:assert/strict";
import { MeshFailure } from "../../mesh/error.ts";
import type { TapEventRecord, TapLine } from "../../mesh/tap.ts";
import { type Call, CallBuilder, Calls } from "./calls.ts";

const LOAD = { ip: "10.0.0.1", port: 40_000, metadata: { pod: "load-1", tls: "true" } };
const WEB = { ip: "10.0.0.2", port: 8080, metadata: { pod: "web-1", tls: "loopback" } };
const since = { seconds: 0, nanos: 2_500_000 };

function request(
  stream: number,
  status: number,
  direction: "INBOUND" | "OUTBOUND" = "INBOUND",
): TapEventRecord[] {
  const common = { source: LOAD, destination: WEB, routeMeta: {}, proxyDirection: direction };
  const id = { base: 1, stream };
  const asked = { id, method: "GET", scheme: "HTTP", authority: "web", path: `/${stream}`, headers: [] };
  const ended = { id, sinceRequestInit: since, sinceResponseInit: since, responseBytes: 1, trailers: [] };
  return [
    { ...common, requestInitEvent: asked },
    ...(status === 0
      ? []
      : [{ ...common, responseInitEvent: { id, sinceRequestInit: since, httpStatus: status, headers: [] } }]),
    { ...common, responseEndEvent: ended },
  ];
}

Deno.test("a call is told when it has ended, with who was at its other end", () => {
  const builder = new CallBuilder(() => 7);
  const told = [...request(3, 503), ...request(3, 0, "OUTBOUND")].map((event) => builder.take(event));
  assert.deepEqual(told.filter((call) => call !== undefined), [
    {
      id: 1,
      at: 7,
      direction: "inbound",
      peer: "load-1",
      isMtls: true,
      method: "GET",
      path: "/3",
      status: 503,
      latencyMs: 2.5,
    },
    {
      id: 2,
      at: 7,
      direction: "outbound",
      peer: "web-1",
      isMtls: false,
      method: "GET",
      path: "/3",
      status: 0,
      latencyMs: 2.5,
    },
  ]);
});

Deno.test("calls that never end are let go of, and an end without a beginning is nobody's", () => {
  const builder = new CallBuilder();
  for (let stream = 0; stream < 3000; stream++) builder.take(request(stream, 200)[0]!);
  assert.equal(builder.take(request(0, 200)[2]!), undefined);
  assert.ok(builder.take(request(2999, 200)[2]!) !== undefined);
});

/** Events of a stream, as they come. */
async function* eventsOf(response: Response): AsyncGenerator<{ name: string; data: unknown }> {
  let text = "";
  for await (const part of response.body!.pipeThrough(new TextDecoderStream())) {
    text += part;
    for (let at = text.indexOf("\n\n"); at >= 0; at = text.indexOf("\n\n")) {
      const match = /^event: (\w+)\ndata: (.*)$/.exec(text.slice(0, at));
      text = text.slice(at + 2);
      if (match !== null) yield { name: match[1]!, data: JSON.parse(match[2]!) };
    }
  }
}

/** metrics-api as a test plays it: lines are sent by hand. */
function fakeApi() {
  const signals: AbortSignal[] = [];
  const controllers: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>[] = [];
  return {
    signals,
    send: (line: TapLine) =>
      controllers.at(-1)!.enqueue(new TextEncoder().encode(`${JSON.stringify(line)}\n`)),
    tap: (_query: unknown, signal: AbortSignal) => {
      signals.push(signal);
      return Promise.resolve(
        new ReadableStream<Uint8Array<ArrayBuffer>>({
          start: (controller) => {
            controllers.push(controller);
            signal.addEventListener("abort", () => controller.error(signal.reason));
          },
        }),
      );
    },
  };
}

Deno.test("a reader is sent calls and what stands in their way, and its tap ends with it", async () => {
  const api = fakeApi(), calls = new Calls(api), events = eventsOf(calls.open({ kind: "pod" }));
  await new Promise((done) => setTimeout(done, 0));
  for (const event of request(1, 200)) api.send({ event });
  const { value } = await events.next();
  assert.equal(value!.name, "call");
  assert.equal((value!.data as Call).path, "/1");
  api.send({ trouble: { pod: "shop/web-1", detail: "connection refused" } });
  assert.match(JSON.stringify((await events.next()).value), /fault.*shop\/web-1.*connection refused/);
  assert.equal(calls.readers, 1);
  await events.return(undefined);
  await new Promise((done) => setTimeout(done, 0));
  assert.equal(api.signals[0]!.aborted, true);
  assert.equal(calls.readers, 0);
});

Deno.test("a tap that is refused is told as such, and too many readers are turned away", async () => {
  const refusal = new MeshFailure({ code: "tap-disabled", source: "cluster", detail: "none can be tapped" });
  const refused = new Calls({ tap: () => Promise.reject(refusal) });
  const events: { name: string; data: unknown }[] = [];
  for await (const event of eventsOf(refused.open({ kind: "pod" }))) events.push(event);
  assert.deepEqual(events, [{ name: "fault", data: refusal.error }]);
  assert.equal(refused.readers, 0);

  const calls = new Calls(fakeApi());
  const open = Array.from({ length: 8 }, () => calls.open({ kind: "pod" }));
  assert.equal(calls.open({ kind: "pod" }).status, 503);
  calls.stop();
  for (const response of open) for await (const _ of eventsOf(response));
  assert.equal(calls.readers, 0);
  assert.equal(calls.open({ kind: "pod" }).status, 503, "there are no new ones");
});
