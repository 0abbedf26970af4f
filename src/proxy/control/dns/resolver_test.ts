import { deepEqual, rejects } from "node:assert/strict";
import { Buffer } from "node:buffer";
import dgram from "node:dgram";
import { once } from "node:events";
import { Telemetry } from "../../telemetry/telemetry.ts";
import { drive } from "../../testing/drive.ts";
import { Arena } from "../../worker/arena.ts";
import { Loop } from "../../worker/loop.ts";
import { Resolver } from "./resolver.ts";

const NO_SUCH_NAME = 3, HEADER = 12;

/** The name that a question asks about, and where it ends. */
function questionOf(query: Buffer): [name: string, end: number] {
  const labels: string[] = [];
  let at = HEADER;
  while (query[at]! > 0) {
    labels.push(query.toString("ascii", at + 1, at + 1 + query[at]!));
    at += 1 + query[at]!;
  }
  return [labels.join("."), at + 5];
}

/** A name server that knows one name. */
async function knowing(known: string, asked: string[]): Promise<{ port: number; close(): void }> {
  const socket = dgram.createSocket("udp4");
  socket.on("message", (query, from) => {
    const [name, end] = questionOf(query), isKnown = name === known;
    asked.push(name);
    const head = Buffer.from(query.subarray(0, end));
    head.writeUInt16BE(0x8180 | (isKnown ? 0 : NO_SUCH_NAME), 2);
    head.writeUInt16BE(isKnown ? 1 : 0, 6);
    const answer = isKnown ? [0xc0, HEADER, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 10, 43, 0, 9] : [];
    socket.send(Buffer.concat([head, Buffer.from(answer)]), from.port, from.address);
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return { port: socket.address().port, close: () => void socket.close() };
}

Deno.test("a name that is not absolute is asked for within the domains that are searched, until one is known", async () => {
  const asked: string[] = [], server = await knowing("jaeger.tracing.svc.test", asked);
  const loop = new Loop((error) => {
    throw error;
  });
  const arena = Arena.create(), stop = drive(loop);
  const search = { domains: ["shop.svc.test", "svc.test"], dots: 5 };
  const servers = [{ ip: "127.0.0.1", port: server.port }];
  const resolver = new Resolver(loop, arena, new Telemetry(arena), servers, 0, search);
  try {
    deepEqual(await resolver.resolve("jaeger.tracing"), ["10.43.0.9"]);
    deepEqual(asked, ["jaeger.tracing.shop.svc.test", "jaeger.tracing.svc.test"]);
    await resolver.resolve("jaeger.tracing");
    deepEqual(asked.length, 2, "it is remembered");
    await rejects(resolver.resolve("gone.tracing"), /cannot resolve gone\.tracing: no such name/);
    deepEqual(asked.slice(2), ["gone.tracing.shop.svc.test", "gone.tracing.svc.test", "gone.tracing"]);
    await rejects(resolver.resolve("jaeger.tracing."));
    deepEqual(asked.at(-1), "jaeger.tracing");
  } finally {
    await stop();
    server.close();
  }
});
