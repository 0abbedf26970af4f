import assert from "node:assert/strict";
import { HeaderFlag, HeaderName, HeadFlag, Outcome, Reason } from "./http1.ts";
import { Workbench } from "./workbench.ts";

const bench = new Workbench();
const SECTION = "Grpc-Status: 0\r\nX:  y \r\nContent-Length: 4\r\nl5d-own: 1\r\n\r\n";

Deno.test("a trailer section becomes a record; what may not be a trailer is marked for removal", () => {
  const { outcome, head } = bench.trailers(SECTION + "GET /");
  assert.equal(outcome, SECTION.length);
  assert.deepEqual(head?.headers.map(({ name, value, id, flags }) => [name, value, id, flags]), [
    ["Grpc-Status", "0", HeaderName.GrpcStatus, 0],
    ["X", "y", 0, 0],
    ["Content-Length", "4", HeaderName.ContentLength, HeaderFlag.HopByHop],
    ["l5d-own", "1", 0, 0],
  ]);
  assert.equal(head.flags, HeadFlag.HasHopByHop | HeadFlag.HasMeshHeader);
});

Deno.test("every field that RFC 9110 6.5.1 forbids as a trailer is marked", () => {
  for (
    const name of [
      "Transfer-Encoding",
      "Host",
      "TE",
      "Trailer",
      "Connection",
      "Keep-Alive",
      "Proxy-Connection",
      "Upgrade",
      "Expect",
      "Authorization",
      "Set-Cookie",
      "Content-Encoding",
      "Content-Type",
    ]
  ) {
    const { head } = bench.trailers(`${name}: a, b, a\r\n${name}: c\r\n\r\n`);
    assert.deepEqual(
      head?.headers.map(({ flags }) => flags),
      [HeaderFlag.HopByHop, HeaderFlag.HopByHop],
      name,
    );
  }
});

Deno.test("short names are known in the first line too, whatever stands before the section", () => {
  for (
    const [name, id] of [["tE", HeaderName.Te], ["B3", HeaderName.B3], ["Via", HeaderName.Via], ["VIb", 0]]
  ) {
    assert.equal(bench.trailers(`${name}: x\r\n\r\n`).head?.headers[0]?.id, id);
  }
});

Deno.test("every proper beginning of a section is partial, an empty section is one line", () => {
  for (let length = 0; length < SECTION.length; length++) {
    assert.equal(bench.trailers(SECTION.slice(0, length)).outcome, Outcome.Partial, `after ${length}`);
  }
  assert.equal(bench.trailers("\r\n").outcome, 2);
});

Deno.test("a malformed section is refused with its reason", () => {
  const cases: readonly (readonly [string, Reason])[] = [
    ["a : b\r\n\r\n", Reason.SpaceBeforeColon],
    ["a\r\n\r\n", Reason.NoColon],
    ["a: b\n\r\n", Reason.BareLineFeed],
    ["a: \0\r\n\r\n", Reason.ControlCharacter],
    [" a: b\r\n\r\n", Reason.ObsoleteFold],
  ];
  for (const [text, reason] of cases) {
    assert.equal(Reason[bench.trailers(text).reason], Reason[reason], JSON.stringify(text));
  }
  assert.equal(bench.trailers("a: b\r\nc: d\r\n\r\n", 1).reason, Reason.TooManyHeaders);
});
