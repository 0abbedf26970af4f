import { deepEqual, equal, ok } from "node:assert/strict";
import { withPair } from "../../../src/proxy/testing/meshed_pair.ts";
import { converse } from "./dialogue.ts";
import { RawApplication } from "./raw_application.ts";
import { BROKEN, type Case, HEADS, PASSED } from "./response_cases.ts";
import { WAYS } from "./ways.ts";
import { expectFields, readResponses } from "./wire.ts";

const FINE = { bytes: "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine" };

function expectOutcome(
  { expect, method = "GET", version = "1.1" }: Case,
  text: string,
  isOrderly: boolean,
): void {
  const { messages, rest } = readResponses(text, [method], isOrderly);
  const interim = messages.filter(({ start }) => / 1\d\d\b/.test(start)),
    finals = messages.slice(interim.length);
  ok(!text.includes("evil"), text);
  if (expect.kind === "broken") {
    // An end that is no whole response; to HTTP/1.0, where the end is the end, a reset.
    deepEqual(finals.map(({ start }) => start.slice(9, 12)).filter((status) => status !== "502"), []);
    return;
  }
  equal(finals.length, 1, JSON.stringify(text.slice(0, 500)));
  equal(rest, "");
  ok(isOrderly);
  const { start, body, trailers } = finals[0]!;
  equal(Number(start.slice(9, 12)), expect.kind === "passed" ? expect.status : 502);
  if (expect.kind === "bad gateway") return;
  equal(body, expect.body);
  expectFields("field", finals[0]!.fields, expect.fields);
  if (version === "1.1") expectFields("trailer", trailers, expect.trailers);
  if (expect.interim !== undefined) {
    deepEqual(interim.map(({ start }) => Number(start.slice(9, 12))), expect.interim);
  }
}

for (const way of WAYS) {
  for (const [title, cases] of [["heads", HEADS], ["breaks", BROKEN], ["bodies", PASSED]] as const) {
    Deno.test(`HTTP/1 responses' ${title} reach the client without doubt or not at all: ${way.name}`, async (t) => {
      let current = cases[0]!;
      const application = new RawApplication(({ start }) =>
        start.includes("/check") ? FINE : { bytes: current.answer, isLast: current.isLast ?? false }
      );
      await withPair(() => new Response(), async (pair) => {
        const port = way.prepare(pair, application.port);
        for (const each of cases) {
          await t.step(`§${each.clause}: ${each.name}`, async () => {
            current = each;
            const { method = "GET", version = "1.1" } = each;
            const heard = await converse(port, `${method} /a HTTP/${version}\r\nHost: web\r\n\r\n`, 1, [
              method,
            ]);
            expectOutcome(each, heard.text, heard.isOrderly);
            // What was left of it must not become the next one's answer.
            const next = await converse(port, "GET /check HTTP/1.1\r\nHost: web\r\n\r\n", 1);
            deepEqual(readResponses(next.text, [], true).messages.map(({ body }) => body), ["fine"]);
          });
        }
      });
      await application.close();
    });
  }
}
