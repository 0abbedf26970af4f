/** Detection: an answer never changes with more bytes, and what llhttp would parse as a request is never opaque. */
import { Detect, Protocol } from "../../src/wasm/detect.ts";
import { clientHello } from "../../src/wasm/client_hello.ts";
import { latin1 } from "../../src/wasm/head.ts";
import type { Workbench } from "../../src/wasm/workbench.ts";
import { parseWithLlhttp, REQUESTS } from "./llhttp.ts";
import { mutate, type Random } from "./random.ts";
import type { Target } from "./target.ts";

const MAXIMUM = 2048;
const BEGINNINGS = [
  "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
  "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
  "PURGE http://a HTTP/1.0\r\n\r\n",
  "OPTIONS rtsp://a RTSP/1.0\r\n",
  "CONNECT {}\r\n",
  "set a 0 0 1\r\n",
  "\r\n POST /a HTTP/1.1\r\n\r\n",
];

function generate(random: Random): string {
  const kind = random.below(4);
  if (kind === 0) return random.bytes(60);
  if (kind < 3) return mutate(random, random.pick(BEGINNINGS));
  const hello = clientHello({
    serverName: random.once(3) ? undefined : "n".repeat(1 + random.below(40)),
    alpn: random.once(2) ? [] : ["h2", "x".repeat(1 + random.below(100))],
    padding: random.below(60),
    recordSize: 1 + random.below(120),
  });
  const text = latin1Of(hello);
  return random.once(3) ? text : mutate(random, text);
}

function latin1Of(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
}

export function detectTarget(bench: Workbench): Target {
  const { exports, memory } = bench.module;
  const { record, at } = bench;
  const word = (index: number) => memory.words[(record >> 2) + index] ?? 0;
  return {
    name: "detect",
    generate,
    check(input) {
      bench.put(input);
      let answer: Protocol = Protocol.NeedMore;
      let name = "";
      for (let length = 0; length <= input.length; length++) {
        memory.bytes.fill(0xa5, record, record + Detect.Words * 4 + 64);
        const found: Protocol = exports.detect(at, at + length, record, MAXIMUM);
        if (found < Protocol.NeedMore || found > Protocol.Opaque) throw new Error(`answered ${found}`);
        if (answer !== Protocol.NeedMore && found !== answer) {
          throw new Error(`${answer} became ${found} at ${length}`);
        }
        if (memory.bytes[record + Detect.Words * 4] !== 0xa5) throw new Error("wrote beyond the record");
        const nameNow = latin1(memory, record + Detect.ServerName * 4, word(Detect.ServerNameLength));
        if (answer === Protocol.Tls && nameNow !== name) {
          throw new Error(`the name ${name} became ${nameNow}`);
        }
        if (word(Detect.ServerNameLength) > 255 || word(Detect.AlpnLength) > 320) {
          throw new Error("a length is wild");
        }
        answer = found;
        name = nameNow;
      }
      // llhttp also reads RTSP, and HTTP/0.9, which names no protocol.
      const namesHttp = /^[\r\n]*[^\n]*[ ]HTTP\//.test(latin1Of(input));
      const { messages } = parseWithLlhttp(REQUESTS, input, false);
      if (namesHttp && messages.length > 0 && answer === Protocol.Opaque) {
        throw new Error("opaque, but llhttp reads a request");
      }
    },
  };
}
