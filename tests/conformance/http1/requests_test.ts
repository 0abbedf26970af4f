import { deepEqual, equal, fail, match, ok } from "node:assert/strict";
import { withPair } from "../../../src/proxy/testing/meshed_pair.ts";
import type { Case, Outcome, Seen } from "./cases.ts";
import { converse, type Heard } from "./dialogue.ts";
import { FIELDS } from "./field_cases.ts";
import { CHUNKS, CONNECTIONS, FRAMING } from "./framing_cases.ts";
import { RawApplication } from "./raw_application.ts";
import { HOSTS, START_LINES } from "./start_line_cases.ts";
import { WAYS } from "./ways.ts";
import { expectFields, type Message, readResponses, valuesOf } from "./wire.ts";

const ANSWER = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

function statusesOf(heard: Heard, methods: readonly string[]): number[] {
  const { messages, rest } = readResponses(heard.text, methods, true);
  equal(rest, "", "nothing but whole responses was heard");
  return messages.map(({ start }) => Number(start.slice(9, 12)));
}

/** The request line in origin form; an absolute form, which a server must take too, has to agree with Host. */
function originOf({ start, fields }: Message): string {
  const absolute = /^(\S+) https?:\/\/([^/?]*)(\/?\S*) (\S+)$/i.exec(start);
  if (absolute === null) return start;
  const [, method, authority, path = "", version] = absolute;
  deepEqual(valuesOf({ fields }, "host"), [authority], "target and Host agree");
  return `${method} ${path.startsWith("/") ? path : `/${path}`} ${version}`;
}

function expectSeen(requests: readonly Message[], seen: readonly Seen[]): void {
  deepEqual(requests.map(originOf), seen.map(({ start }) => start));
  seen.forEach(({ body, fields, trailers }, i) => {
    const request = requests[i]!;
    if (body !== undefined) equal(request.body, body);
    expectFields("field", request.fields, fields);
    expectFields("trailer", request.trailers, trailers);
  });
}

function judge(expect: Outcome, heard: Heard, application: RawApplication, methods: readonly string[]): void {
  const statuses = statusesOf(heard, methods);
  if (expect.kind === "refused") {
    deepEqual(statuses, [expect.status]);
    match(heard.text.toLowerCase(), /\r\nconnection: close\r\n/);
    equal(application.byteCount, 0, JSON.stringify(application.connections.map(({ text }) => text).join("")));
  } else if (expect.kind === "broken") {
    deepEqual(statuses, [expect.status]);
    const { requests, rest } = application.read();
    deepEqual(requests, []);
    ok(!rest.includes("/smuggled"), rest);
  } else {
    const { requests, rest } = application.read();
    equal(rest, "", "the application was sent whole requests only");
    expectSeen(requests, expect.seen);
    deepEqual(statuses, [...expect.seen.map(() => 200), ...expect.then === undefined ? [] : [expect.then]]);
  }
}

async function run({ send, expect }: Case, port: number, application: RawApplication): Promise<void> {
  application.forget();
  const count = expect.kind === "forwarded" ? expect.seen.length + (expect.then === undefined ? 0 : 1) : 1;
  const heard = await converse(port, send, count);
  if (!heard.isOrderly) fail(`the connection was reset after ${JSON.stringify(heard.text)}`);
  judge(expect, heard, application, []);
}

const TABLES: readonly (readonly [string, readonly Case[]])[] = [
  ["request lines", START_LINES],
  ["Hosts", HOSTS],
  ["field lines", FIELDS],
  ["framings", FRAMING],
  ["chunks", CHUNKS],
  ["connections", CONNECTIONS],
];

for (const way of WAYS) {
  for (const [title, cases] of TABLES) {
    Deno.test(`HTTP/1 ${title} are refused or forwarded clean: ${way.name}`, async (t) => {
      const application = new RawApplication(() => ({ bytes: ANSWER }));
      await withPair(() => new Response(), async (pair) => {
        const port = way.prepare(pair, application.port);
        for (const each of cases) {
          await t.step(`§${each.clause}: ${each.name}`, () => run(each, port, application));
        }
      });
      await application.close();
    });
  }
}
