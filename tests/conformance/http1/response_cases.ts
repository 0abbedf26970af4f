/** What applications answer, and what clients must see of it. */

export type Outcome =
  /** The client is told 502, and nothing of what came. */
  | { readonly kind: "bad gateway" }
  /** The head was well and may be passed on; the client sees that the response is not whole. */
  | { readonly kind: "broken" }
  | {
    readonly kind: "passed";
    readonly status: number;
    readonly body: string;
    /** undefined: none of that name. */
    readonly fields?: Readonly<Record<string, string | undefined>>;
    readonly trailers?: Readonly<Record<string, string>>;
    /** Statuses of interim responses before it. */
    readonly interim?: readonly number[];
  };

export interface Case {
  readonly clause: string;
  readonly name: string;
  readonly method?: string;
  /** Of the request; 1.1 where nothing is said. */
  readonly version?: "1.0" | "1.1";
  readonly answer: string;
  /** The application closes after it. */
  readonly isLast?: boolean;
  readonly expect: Outcome;
}

const OK = "HTTP/1.1 200 OK\r\n", FIVE = "Content-Length: 5\r\n", CHUNKED = "Transfer-Encoding: chunked\r\n";
/** Follows what must not be passed on. */
const STRAY = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil";

const bad = (clause: string, name: string, answer: string): Case => ({
  clause,
  name,
  answer: answer + STRAY,
  isLast: true,
  expect: { kind: "bad gateway" },
});
const broken = (clause: string, name: string, answer: string): Case => ({
  clause,
  name,
  answer,
  isLast: true,
  expect: { kind: "broken" },
});
type Passed = Extract<Outcome, { kind: "passed" }>;
const passed = (
  clause: string,
  name: string,
  answer: string,
  expect: Omit<Passed, "kind" | "status"> & { status?: number },
  more: Partial<Case> = {},
): Case => ({ clause, name, answer, expect: { kind: "passed", status: 200, ...expect }, ...more });

const START_LINES: readonly (readonly [string, string])[] = [
  ["a status of two digits", "HTTP/1.1 20 OK"],
  ["a status of four digits", "HTTP/1.1 2000 OK"],
  ["a status of letters", "HTTP/1.1 abc OK"],
  ["a status below 100", "HTTP/1.1 099 OK"],
  ["a signed status", "HTTP/1.1 +20 OK"],
  ["no status", "HTTP/1.1"],
  ["a space and no status", "HTTP/1.1 "],
  ["two spaces before the status", "HTTP/1.1  200 OK"],
  ["no space before the status", "HTTP/1.1200 OK"],
  ["a tab before the status", "HTTP/1.1\t200 OK"],
  ["a tab after the status", "HTTP/1.1 200\tOK"],
  ["text right after the status", "HTTP/1.1 200OK"],
  ["a version in lower case", "http/1.1 200 OK"],
  ["HTTP/1.2", "HTTP/1.2 200 OK"],
  ["HTTP/2.0", "HTTP/2.0 200 OK"],
  ["HTTP/0.9", "HTTP/0.9 200 OK"],
  ["a version of one number", "HTTP/1 200 OK"],
  ["another protocol", "ICY 200 OK"],
  ["a space before the version", " HTTP/1.1 200 OK"],
  ["NUL in the phrase", "HTTP/1.1 200 O\0K"],
  ["a bare CR in the phrase", "HTTP/1.1 200 O\rK"],
  ["a bare LF in the phrase", "HTTP/1.1 200 O\nK"],
  ["a request line", "GET / HTTP/1.1"],
  ["no HTTP at all", "hello"],
];
const FIELD_LINES: readonly (readonly [string, string])[] = [
  ["a space before the colon", "X-A : 1\r\n"],
  ["a space before the colon of Content-Length", "Content-Length : 4\r\n"],
  ["a tab before the colon", "X-A\t: 1\r\n"],
  ["a folded value", "X-A: 1\r\n 2\r\n"],
  ["no colon", "X-A\r\n"],
  ["an empty name", ": 1\r\n"],
  ["NUL in a value", "X-A: 1\x002\r\n"],
  ["NUL in a name", "X\0A: 1\r\n"],
  ["a bare CR in a value", "X-A: 1\r2\r\n"],
  ["a bare LF in a value", "X-A: 1\nX-B: 2\r\n"],
  ["a bell in a value", "X-A: \x07\r\n"],
  ["DEL in a value", "X-A: \x7f\r\n"],
  ["a name that is not ASCII", "X-\xe4: 1\r\n"],
  ["a name with a slash", "X/A: 1\r\n"],
  ["129 fields", "X: 1\r\n".repeat(129)],
  ["a field of 40,000 bytes", `X: ${"y".repeat(40_000)}\r\n`],
];
const FRAMINGS: readonly (readonly [string, string])[] = [
  ["two Content-Lengths", "Content-Length: 5\r\nContent-Length: 4\r\n"],
  ["two equal Content-Lengths", FIVE + FIVE],
  ["a list of Content-Lengths", "Content-Length: 5, 5\r\n"],
  ["a signed Content-Length", "Content-Length: +5\r\n"],
  ["a negative Content-Length", "Content-Length: -5\r\n"],
  ["a hexadecimal Content-Length", "Content-Length: 0x5\r\n"],
  ["an empty Content-Length", "Content-Length:\r\n"],
  ["a Content-Length of 2^64", "Content-Length: 18446744073709551616\r\n"],
  ["both framings", FIVE + CHUNKED],
  ["both framings, turned about", CHUNKED + FIVE],
  ["chunked twice", CHUNKED + CHUNKED],
  ["chunked, chunked", "Transfer-Encoding: chunked, chunked\r\n"],
  ["chunked, identity", "Transfer-Encoding: chunked, identity\r\n"],
  ["gzip, chunked", "Transfer-Encoding: gzip, chunked\r\n"],
  ["identity", "Transfer-Encoding: identity\r\n"],
  ["xchunked", "Transfer-Encoding: xchunked\r\n"],
  ["a vertical tab before chunked", "Transfer-Encoding: \x0bchunked\r\n"],
  ["an empty Transfer-Encoding", "Transfer-Encoding:\r\n"],
];

export const HEADS: readonly Case[] = [
  ...START_LINES.map(([name, line]) => bad("4", name, `${line}\r\n${FIVE}\r\nhello`)),
  ...FIELD_LINES.map(([name, lines]) => bad("5", name, `${OK}${FIVE}${lines}\r\nhello`)),
  ...FRAMINGS.map(([name, lines]) => bad("6", name, `${OK}${lines}\r\n5\r\nhello\r\n0\r\n\r\n`)),
  bad("2.2", "lines that end with LF", "HTTP/1.1 200 OK\nContent-Length: 5\n\nhello"),
  bad("2.2", "the head ends with LF LF", `${OK}Content-Length: 5\n\nhello`),
  bad("6.1", "chunked in HTTP/1.0", `HTTP/1.0 200 OK\r\n${CHUNKED}\r\n5\r\nhello\r\n0\r\n\r\n`),
  bad("6.1", "chunked in a 204", `HTTP/1.1 204 No Content\r\n${CHUNKED}\r\n0\r\n\r\n`),
  bad("6.1", "chunked in a 103", `HTTP/1.1 103 Early Hints\r\n${CHUNKED}\r\n0\r\n\r\n`),
  bad(
    "9110 15.2.2",
    "101 that nobody asked for",
    "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
  ),
  bad("8", "a record of TLS", "\x15\x03\x03\x00\x02\x02\x28"),
  { clause: "8", name: "an end without a word", answer: "", isLast: true, expect: { kind: "bad gateway" } },
  {
    clause: "8",
    name: "an end within the status line",
    answer: "HTTP/1.1 2",
    isLast: true,
    expect: { kind: "bad gateway" },
  },
  {
    clause: "8",
    name: "an end within the fields",
    answer: `${OK}Content-Le`,
    isLast: true,
    expect: { kind: "bad gateway" },
  },
  {
    clause: "8",
    name: "an end after an interim response",
    answer: "HTTP/1.1 103 Early Hints\r\n\r\n",
    isLast: true,
    expect: { kind: "bad gateway" },
  },
];

const chunks = (text: string): string => `${OK}${CHUNKED}\r\n${text}`;

export const BROKEN: readonly Case[] = [
  broken("8", "an end before its length", `${OK}${FIVE}\r\nhel`),
  broken("8", "an end right after the head", `${OK}${FIVE}\r\n`),
  broken("8", "an end before the last chunk", chunks("5\r\nhello\r\n")),
  broken("8", "an end within a chunk", chunks("5\r\nhel")),
  broken("8", "an end within a size", chunks("5\r\nhello\r\n1")),
  broken("8", "an end within the trailers", chunks("5\r\nhello\r\n0\r\nX-T: 1\r\n")),
  broken("8", "an end before the last CRLF", chunks("5\r\nhello\r\n0\r\n")),
  broken("7.1", "a size that is none", chunks(`x\r\nhello\r\n0\r\n\r\n${STRAY}`)),
  broken("7.1", "a signed size", chunks(`+5\r\nhello\r\n0\r\n\r\n${STRAY}`)),
  broken("7.1", "a size of 0x5", chunks(`0x5\r\nhello\r\n0\r\n\r\n${STRAY}`)),
  broken("7.1", "a size beyond all numbers", chunks(`fffffffffffffffff\r\nhello\r\n0\r\n\r\n${STRAY}`)),
  broken("7.1", "a size line that ends with LF", chunks(`5\nhello\r\n0\r\n\r\n${STRAY}`)),
  broken("7.1", "data longer than its size", chunks(`4\r\nhello\r\n0\r\n\r\n${STRAY}`)),
  broken("7.1", "data that LF follows", chunks(`5\r\nhello\n0\r\n\r\n${STRAY}`)),
  broken("7.1", "two CRLFs after data", chunks(`5\r\nhello\r\n\r\n0\r\n\r\n${STRAY}`)),
  broken("7.1.1", "an extension with NUL", chunks(`5;a\0\r\nhello\r\n0\r\n\r\n${STRAY}`)),
  broken("7.1.2", "a trailer without a colon", chunks(`5\r\nhello\r\n0\r\nX-T\r\n\r\n${STRAY}`)),
  broken("7.1.2", "a trailer with NUL", chunks(`5\r\nhello\r\n0\r\nX-T: \0\r\n\r\n${STRAY}`)),
  broken(
    "7.1.2",
    "Content-Length as a trailer",
    chunks(`5\r\nhello\r\n0\r\nContent-Length: 5\r\n\r\n${STRAY}`),
  ),
];

const CLOSED = { isLast: true }, OLD = { version: "1.0" as const };

export const PASSED: readonly Case[] = [
  passed("6.2", "a counted body", `${OK}${FIVE}\r\nhello`, { body: "hello" }),
  passed("6.2", "a counted body and an end", `${OK}${FIVE}\r\nhello`, { body: "hello" }, CLOSED),
  passed("6.2", "a body of no length", `${OK}Content-Length: 0\r\n\r\n`, { body: "" }),
  passed("6.2", "what follows a counted body is nobody's", `${OK}${FIVE}\r\nhello${STRAY}`, {
    body: "hello",
  }),
  passed("7.1", "what follows a chunked body is nobody's", chunks(`5\r\nhello\r\n0\r\n\r\n${STRAY}`), {
    body: "hello",
  }),
  passed("7.1", "a chunked body", chunks("2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"), { body: "hello" }),
  passed("7.1", "a chunked body of nothing", chunks("0\r\n\r\n"), { body: "" }),
  passed("7.1.2", "a trailer", chunks("5\r\nhello\r\n0\r\nX-T: 1\r\n\r\n"), {
    body: "hello",
    trailers: { "x-t": "1" },
  }),
  passed("6.3", "a body until the end", `${OK}\r\nhello`, { body: "hello" }, CLOSED),
  passed("6.3", "a body of nothing until the end", `${OK}\r\n`, { body: "" }, CLOSED),
  passed(
    "6.3",
    "HTTP/1.0 and a body until the end",
    "HTTP/1.0 200 OK\r\n\r\nhello",
    { body: "hello" },
    CLOSED,
  ),
  passed(
    "6.3",
    "HTTP/1.0 and a counted body",
    `HTTP/1.0 200 OK\r\n${FIVE}\r\nhello`,
    { body: "hello" },
    CLOSED,
  ),
  passed("6.3", "100,000 bytes until the end", `${OK}\r\n${"z".repeat(100_000)}`, {
    body: "z".repeat(100_000),
  }, CLOSED),
  passed("6.3", "204", "HTTP/1.1 204 No Content\r\n\r\n", { status: 204, body: "" }),
  passed("9110 8.6", "204 with a length of zero", "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", {
    status: 204,
    body: "",
    fields: { "content-length": undefined },
  }),
  passed(
    "9110 8.6",
    "204 with a length and what would be a body",
    `HTTP/1.1 204 No Content\r\n${FIVE}\r\nhello`,
    {
      status: 204,
      body: "",
      fields: { "content-length": undefined },
    },
  ),
  passed("6.3", "304 with a length", `HTTP/1.1 304 Not Modified\r\n${FIVE}\r\n`, {
    status: 304,
    body: "",
    fields: { "content-length": "5" },
  }),
  passed("6.3", "304 with what would be a body", `HTTP/1.1 304 Not Modified\r\n${FIVE}\r\nhello`, {
    status: 304,
    body: "",
  }),
  passed("6.3", "304 that says chunked", `HTTP/1.1 304 Not Modified\r\n${CHUNKED}\r\n`, {
    status: 304,
    body: "",
  }),
  passed("6.3", "HEAD with a length", `${OK}${FIVE}\r\n`, { body: "", fields: { "content-length": "5" } }, {
    method: "HEAD",
  }),
  passed("6.3", "HEAD with what would be a body", `${OK}${FIVE}\r\nhello`, { body: "" }, { method: "HEAD" }),
  passed("6.3", "HEAD that says chunked", `${OK}${CHUNKED}\r\n`, { body: "" }, { method: "HEAD" }),
  passed("6.3", "HEAD without any length", `${OK}\r\n`, { body: "" }, { method: "HEAD" }),
  passed("9110 15.2", "100 and then 200", `HTTP/1.1 100 Continue\r\n\r\n${OK}${FIVE}\r\nhello`, {
    body: "hello",
    interim: [100],
  }),
  passed(
    "9110 15.2",
    "103 twice and then 200",
    `${"HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n".repeat(2)}${OK}${FIVE}\r\nhello`,
    {
      body: "hello",
      interim: [103, 103],
    },
  ),
  passed(
    "9110 15.2",
    "103 with a length, which it cannot have",
    `HTTP/1.1 103 Early Hints\r\n${FIVE}\r\n${OK}${FIVE}\r\nhello`,
    {
      body: "hello",
      interim: [103],
    },
  ),
  passed("4", "a status nobody knows", `HTTP/1.1 799 Odd\r\n${FIVE}\r\nhello`, {
    status: 799,
    body: "hello",
  }),
  passed("4", "no phrase", `HTTP/1.1 200\r\n${FIVE}\r\nhello`, { body: "hello" }),
  passed(
    "4",
    "a phrase of blanks and letters that are not ASCII",
    `HTTP/1.1 200 \xe4 \t b\r\n${FIVE}\r\nhello`,
    { body: "hello" },
  ),
  passed(
    "9110 7.6.1",
    "fields that Connection names end here",
    `${OK}Connection: X-A, keep-alive\r\nX-A: 1\r\nKeep-Alive: 5\r\nX-B: 2\r\n${FIVE}\r\nhello`,
    {
      body: "hello",
      fields: { "x-a": undefined, "x-b": "2", "keep-alive": undefined },
    },
  ),
  passed("9110 5.5", "a value that is not ASCII", `${OK}X-A: \xe4\tb\r\n${FIVE}\r\nhello`, {
    body: "hello",
    fields: { "x-a": "\xe4\tb" },
  }),
  passed(
    "9110 5.3",
    "Set-Cookie twice stays twice",
    `${OK}Set-Cookie: a=1\r\nSet-Cookie: b=2\r\n${FIVE}\r\nhello`,
    {
      body: "hello",
      fields: { "set-cookie": "a=1 | b=2" },
    },
  ),

  passed("6.2", "to HTTP/1.0: a counted body", `${OK}${FIVE}\r\nhello`, { body: "hello" }, OLD),
  passed(
    "6.1",
    "to HTTP/1.0: a chunked body without its chunks",
    chunks("2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"),
    {
      body: "hello",
      fields: { "transfer-encoding": undefined },
    },
    OLD,
  ),
  passed(
    "6.1",
    "to HTTP/1.0: a chunked body of 100,000 bytes",
    chunks(`186a0\r\n${"z".repeat(100_000)}\r\n0\r\n\r\n`),
    {
      body: "z".repeat(100_000),
      fields: { "transfer-encoding": undefined },
    },
    OLD,
  ),
  passed("7.1.2", "to HTTP/1.0: trailers are left out", chunks("5\r\nhello\r\n0\r\nX-T: 1\r\n\r\n"), {
    body: "hello",
    fields: { "transfer-encoding": undefined, "x-t": undefined },
  }, OLD),
  passed("6.3", "to HTTP/1.0: a body until the end", `${OK}\r\nhello`, { body: "hello" }, {
    ...OLD,
    ...CLOSED,
  }),
  passed(
    "9110 15.2",
    "to HTTP/1.0: no interim responses",
    `HTTP/1.1 103 Early Hints\r\n\r\n${OK}${FIVE}\r\nhello`,
    {
      body: "hello",
      interim: [],
    },
    OLD,
  ),
  passed("6.3", "to HTTP/1.0: HEAD that says chunked", `${OK}${CHUNKED}\r\n`, {
    body: "",
    fields: { "transfer-encoding": undefined },
  }, { ...OLD, method: "HEAD" }),
];
