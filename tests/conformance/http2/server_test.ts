import { equal, fail, ok } from "node:assert/strict";
import { withPair } from "../../../src/proxy/testing/meshed_pair.ts";
import { ACK, type Frame, frame, GOAWAY, HEADERS, PING, RawPeer, RST_STREAM, wordOf } from "./peer.ts";
import type { Case } from "./case.ts";
import { CONTROL_FRAMES } from "./control_frame_cases.ts";
import { FRAMES } from "./frame_cases.ts";
import { MESSAGES } from "./message_cases.ts";
import { STREAMS } from "./stream_cases.ts";

const MARK = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);

/** The status of a response's field block; our encoder writes it first, indexed or as a literal. */
function statusOf({ payload }: Frame): number {
  const indexed: Readonly<Record<number, number>> = {
    0x88: 200,
    0x89: 204,
    0x8a: 206,
    0x8b: 304,
    0x8c: 400,
    0x8d: 404,
    0x8e: 500,
  };
  let at = 0;
  while ((payload[at]! & 0xe0) === 0x20) at++; // table size updates
  const known = indexed[payload[at]!];
  if (known !== undefined) return known;
  return Number(String.fromCharCode(...payload.subarray(at + 2, at + 5)));
}

function describe(frame: Frame | undefined): string {
  return frame === undefined
    ? "the connection ended without a word"
    : `frame ${frame.type} of stream ${frame.stream}: ${[...frame.payload.subarray(0, 32)]}`;
}

async function judge(peer: RawPeer, expect: Case["expect"]): Promise<void> {
  if (expect === "alive") {
    await peer.write(frame(PING, 0, 0, MARK));
    const answer = await peer.until(({ type, payload }) =>
      type === GOAWAY || type === PING && payload[7] === 8
    );
    equal(answer?.type, PING, describe(answer));
    equal(answer!.flags & ACK, ACK);
  } else if ("connection" in expect) {
    const answer = await peer.until(({ type }) => type === GOAWAY);
    if (answer === undefined) fail("the connection ended without GOAWAY");
    ok(expect.connection.includes(wordOf(answer, 4)), `GOAWAY with ${wordOf(answer, 4)}`);
    equal(await peer.until(() => false), undefined); // and it closes
  } else if ("codes" in expect) {
    const answer = await peer.until(({ type, stream }) =>
      type === GOAWAY || stream === expect.stream && (type === RST_STREAM || type === HEADERS)
    );
    ok(answer !== undefined && answer.type !== HEADERS, describe(answer));
    const code = wordOf(answer, answer.type === GOAWAY ? 4 : 0);
    ok(expect.codes.includes(code), `ended with ${code}`);
  } else {
    const id = expect.stream ?? 1;
    const answer = await peer.until(({ type, stream }) =>
      type === GOAWAY || stream === id && (type === RST_STREAM || type === HEADERS)
    );
    equal(answer?.type, HEADERS, describe(answer));
    equal(statusOf(answer!), expect.status);
  }
}

const serve = async (request: Request): Promise<Response> => {
  await request.bytes();
  if (request.headers.has("x-slow")) await new Promise((done) => setTimeout(done, 300));
  return new Response("served");
};

for (
  const [title, cases] of [["frames", FRAMES], ["control frames", CONTROL_FRAMES], ["streams", STREAMS], [
    "messages",
    MESSAGES,
  ]] as const
) {
  Deno.test(`an HTTP/2 client's ${title} end as RFC 9113 says`, async (t) => {
    await withPair(serve, async ({ client }) => {
      for (const { clause, name, send, expect } of cases) {
        await t.step(`§${clause}: ${name}`, async () => {
          const peer = await RawPeer.connect(client.outboundAddress.port);
          try {
            await peer.greet();
            await peer.write(...send);
            await judge(peer, expect);
          } finally {
            peer.close();
          }
        });
      }
    });
  });
}
