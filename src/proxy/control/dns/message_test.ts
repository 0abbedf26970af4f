import { deepEqual, equal, throws } from "node:assert/strict";
import { decodeResponse, encodeQuery, TYPE_A, TYPE_AAAA, TYPE_SRV } from "./message.ts";
import { nameServersOf } from "./resolver.ts";

/** A response to `query` with one answer whose name is a pointer to the question. */
function responseTo(query: Uint8Array, type: number, data: number[], code = 0): Uint8Array<ArrayBuffer> {
  const header = [...query.slice(0, 2), 0x81, 0x80 | code, 0, 1, 0, 1, 0, 0, 0, 0];
  const answer = [
    0xc0,
    12,
    type >> 8,
    type & 255,
    0,
    1,
    0,
    0,
    0,
    30,
    data.length >> 8,
    data.length & 255,
    ...data,
  ];
  return Uint8Array.from([...header, ...query.slice(12), ...answer]);
}

Deno.test("addresses and services are read, with names that point back", () => {
  const query = encodeQuery(7, "a.b.", TYPE_A);
  deepEqual([...query.slice(12)], [1, 97, 1, 98, 0, 0, 1, 0, 1]);
  deepEqual(decodeResponse(responseTo(query, TYPE_A, [10, 42, 0, 7])), {
    id: 7,
    code: 0,
    isTruncated: false,
    answers: [{ type: TYPE_A, ttlSeconds: 30, value: "10.42.0.7", port: 0 }],
  });
  const six = decodeResponse(responseTo(query, TYPE_AAAA, [0xfd, ...new Array<number>(14).fill(0), 1]));
  equal(six?.answers[0]?.value, "fd00::1");
  const service = decodeResponse(responseTo(query, TYPE_SRV, [0, 0, 0, 0, 31, 144, 1, 112, 0xc0, 12]));
  deepEqual(service?.answers[0], { type: TYPE_SRV, ttlSeconds: 30, value: "p.a.b", port: 8080 });
});

Deno.test("every truncation, a question and a loop of pointers are no response", () => {
  const whole = responseTo(encodeQuery(7, "web.shop", TYPE_A), TYPE_A, [1, 2, 3, 4]);
  for (let length = 0; length < whole.length; length++) {
    equal(decodeResponse(whole.subarray(0, length)), undefined);
  }
  equal(decodeResponse(encodeQuery(7, "web.shop", TYPE_A)), undefined);
  const loop = whole.slice();
  loop.set([0xc0, 12], 12);
  equal(decodeResponse(loop), undefined);
});

Deno.test("what is no domain name is not asked for", () => {
  throws(() => encodeQuery(1, `${"a".repeat(64)}.b`, TYPE_A), RangeError);
  throws(() => encodeQuery(1, "a..b", TYPE_A), RangeError);
});

Deno.test("name servers come from resolv.conf", () => {
  deepEqual(nameServersOf("search a\nnameserver 10.43.0.10\nnameserver fd00::a\n"), [
    "10.43.0.10",
    "fd00::a",
  ]);
  deepEqual(nameServersOf("search a\n"), ["127.0.0.1"]);
});
