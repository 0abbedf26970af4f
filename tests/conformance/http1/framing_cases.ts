/** Content-Length, Transfer-Encoding, chunks, and what follows a message. */
import { broken, type Case, forwarded, get, GOT, HOST, post, posted, refused, SMUGGLED } from "./cases.ts";

const CHUNKED = "Transfer-Encoding: chunked\r\n", LAST = "0\r\n\r\n";
const bad = (clause: string, name: string, lines: string, status = 400, body = LAST): Case =>
  refused(clause, name, post(lines, body), status);

const LENGTHS: readonly (readonly [string, string])[] = [
  ["an empty one", ""],
  ["a plus sign", "+5"],
  ["a minus sign", "-5"],
  ["minus zero", "-0"],
  ["hexadecimal", "0x5"],
  ["hexadecimal digits", "5a"],
  ["a decimal point", "5.0"],
  ["an exponent", "1e2"],
  ["a space between digits", "1 0"],
  ["an underscore", "1_0"],
  ["a semicolon", "5;a"],
  ["quotes", '"5"'],
  ["two equal values", "5, 5"],
  ["two values", "5, 6"],
  ["a comma at its end", "5,"],
  ["a comma at its start", ",5"],
  ["2^64 + 5", "18446744073709551621"],
  ["2^63", "9223372036854775808"],
  ["2^53", "9007199254740992"],
  ["fifty digits", "9".repeat(50)],
  ["digits that are not ASCII", "\xb2"],
  ["a word", "chunked"],
  ["a vertical tab after it", "5\x0b"],
  ["NUL after it", "5\0"],
];

const CODINGS: readonly (readonly [string, string, number?])[] = [
  ["an empty one", ""],
  ["a comma", ","],
  ["an empty element before chunked", ", chunked"],
  ["an empty element after chunked", "chunked,"],
  ["chunked twice", "chunked, chunked"],
  ["chunked, identity", "chunked, identity"],
  ["chunked, gzip", "chunked, gzip"],
  ["gzip, chunked", "gzip, chunked", 501],
  ["identity", "identity", 501],
  ["identity, chunked", "identity, chunked", 501],
  ["gzip alone", "gzip", 501],
  ["xchunked", "xchunked", 501],
  ["chunkedx", "chunkedx", 501],
  ["chunked-", "chunked-", 501],
  ["a parameter", "chunked;q=1"],
  ["quotes", '"chunked"'],
  ["single quotes", "'chunked'", 501],
  ["a vertical tab before it", "\x0bchunked"],
  ["a form feed before it", "\x0cchunked"],
  ["a vertical tab after it", "chunked\x0b"],
  ["NUL before it", "\0chunked"],
  ["NUL after it", "chunked\0"],
  ["a space within", "chun ked"],
  ["a second word", "chunked x"],
  ["a bare CR within", "chu\rnked"],
  ["a bare LF before it", "\nchunked"],
  ["a letter that only looks like k", "chun\xe2\x84\xaaed"],
  ["a byte order mark before it", "\xef\xbb\xbfchunked"],
];

export const FRAMING: readonly Case[] = [
  ...LENGTHS.map(([name, value]) =>
    bad("6.2", `a Content-Length with ${name}`, `Content-Length: ${value}\r\n`)
  ),
  bad("6.2", "two Content-Lengths", "Content-Length: 5\r\nContent-Length: 6\r\n"),
  bad("6.2", "two equal Content-Lengths", "Content-Length: 5\r\nContent-Length: 5\r\n"),
  bad("6.2", "two Content-Lengths in other cases", "Content-Length: 0\r\nX-A: 1\r\nCONTENT-LENGTH: 38\r\n"),
  bad("6.2", "Content-Length zero and then not", "Content-Length: 0\r\nContent-Length: 38\r\n"),
  forwarded(
    "6.2",
    "a Content-Length with leading zeros",
    post("Content-Length: 005\r\n", "hello"),
    posted("hello"),
  ),
  forwarded(
    "6.2",
    "a Content-Length in blanks",
    post("Content-Length: \t 5 \t\r\n", "hello"),
    posted("hello"),
  ),
  forwarded("6.2", "a Content-Length of zero", post("Content-Length: 0\r\n"), posted("")),
  forwarded("6.3", "neither: there is no content", post(""), posted("")),
  forwarded("6.3", "GET with content", get("Content-Length: 5\r\n") + "hello", { ...GOT, body: "hello" }),
  forwarded(
    "6.3",
    "content that looks like a request is content",
    post(`Content-Length: ${SMUGGLED.length}\r\n`, SMUGGLED),
    posted(SMUGGLED),
  ),

  bad("6.3", "Content-Length, then Transfer-Encoding", `Content-Length: 5\r\n${CHUNKED}`),
  bad("6.3", "Transfer-Encoding, then Content-Length", `${CHUNKED}Content-Length: 5\r\n`),
  bad(
    "6.3",
    "Transfer-Encoding between two Content-Lengths",
    `Content-Length: 5\r\n${CHUNKED}Content-Length: 5\r\n`,
  ),
  bad("6.3", "Content-Length zero beside Transfer-Encoding", `Content-Length: 0\r\n${CHUNKED}`),
  bad("6.3", "both, in lower case", "content-length: 5\r\ntransfer-encoding: chunked\r\n"),
  bad(
    "6.3",
    "Content-Length beside a coding nobody knows",
    "Content-Length: 5\r\nTransfer-Encoding: xchunked\r\n",
    501,
  ),
  bad(
    "6.3",
    "both, one of them named by Connection",
    `Connection: Content-Length\r\nContent-Length: 5\r\n${CHUNKED}`,
  ),
  bad(
    "6.3",
    "both, the other named by Connection",
    `Connection: Transfer-Encoding\r\nContent-Length: 5\r\n${CHUNKED}`,
  ),
  ...CODINGS.map(([name, value, status]) =>
    bad("6.1", `a Transfer-Encoding with ${name}`, `Transfer-Encoding: ${value}\r\n`, status)
  ),
  bad("6.1", "chunked in two fields", CHUNKED + CHUNKED),
  bad("6.1", "identity, then chunked, in two fields", `Transfer-Encoding: identity\r\n${CHUNKED}`, 501),
  bad("6.1", "chunked, then identity, in two fields", `${CHUNKED}Transfer-Encoding: identity\r\n`),
  bad("6.1", "chunked, then an empty one, in two fields", `${CHUNKED}Transfer-Encoding:\r\n`),
  bad("6.1", "chunked and one that cannot be seen by all", `${CHUNKED}Transfer-Encoding: x\r\n`),
  refused("6.1", "chunked in HTTP/1.0", `POST /a HTTP/1.0\r\n${HOST}${CHUNKED}\r\n${LAST}`),
  refused(
    "6.1",
    "chunked and kept alive in HTTP/1.0",
    `POST /a HTTP/1.0\r\n${HOST}Connection: keep-alive\r\n${CHUNKED}\r\n${LAST}`,
  ),
  ...["chunked", "CHUNKED", "ChUnKeD", "chunked ", "\tchunked\t"].map((value) =>
    forwarded(
      "6.1",
      `the coding ${JSON.stringify(value)}`,
      post(`Transfer-Encoding: ${value}\r\n`, `3\r\nabc\r\n${LAST}`),
      posted("abc"),
    )
  ),
  forwarded(
    "6.1",
    "a name that ends in underscores is another field",
    post("Transfer_Encoding: chunked\r\n"),
    {
      ...posted(""),
      fields: { transfer_encoding: "chunked", "transfer-encoding": undefined },
    },
  ),
  forwarded(
    "6.2",
    "a name that only begins like Content-Length",
    post("Content-Length2: 38\r\n"),
    posted(""),
  ),
];

const SIZES: readonly (readonly [string, string])[] = [
  ["none", ""],
  ["a space before it", " 3"],
  ["a space after it", "3 "],
  ["a tab after it", "3\t"],
  ["a plus sign", "+3"],
  ["a minus sign", "-3"],
  ["0x before it", "0x3"],
  ["a letter beyond f", "g"],
  ["a point", "3.0"],
  ["an underscore", "0_3"],
  ["a comma", "3,3"],
  ["2^64 + 3", "10000000000000003"],
  ["2^64 - 1", "ffffffffffffffff"],
  ["2^53", "20000000000000"],
  ["seventeen zeros before it", `${"0".repeat(17)}3`],
  ["NUL after it", "3\0"],
  ["a bare CR after it", "3\rx"],
  ["a vertical tab before it", "\x0b3"],
  ["a digit that is not ASCII", "\xb3"],
];
const EXTENSIONS: readonly (readonly [string, string])[] = [
  ["no name", ";"],
  ["a value without a name", ";=1"],
  ["a name without its value", ";a="],
  ["an open quote", ';a="b'],
  ["a space before the semicolon", " ;a"],
  ["a bare LF", ";a\nb"],
  ["a bare CR", ";a\rb"],
  ["NUL", ";a\0"],
  ["NUL in quotes", ';a="\0"'],
  ["20,000 bytes", `;a=${"b".repeat(20_000)}`],
];
const TRAILERS: readonly (readonly [string, string, number?])[] = [
  ["without a colon", "X-T\r\n"],
  ["with a space before the colon", "X-T : 1\r\n"],
  ["that is folded", "X-T: 1\r\n 2\r\n"],
  ["with NUL", "X-T: 1\0\r\n"],
  ["with a bare CR", "X-T: 1\r2\r\n"],
  ["that ends with LF", "X-T: 1\n"],
  ["with an empty name", ": 1\r\n"],
  ["of 20,000 bytes", `X-T: ${"y".repeat(20_000)}\r\n`, 431],
  ["Content-Length", "Content-Length: 5\r\n"],
  ["Transfer-Encoding", "Transfer-Encoding: chunked\r\n"],
  ["Host", "Host: evil\r\n"],
];
const body = (text: string): string => post(CHUNKED, text);

export const CHUNKS: readonly Case[] = [
  ...SIZES.map(([name, size]) =>
    broken("7.1", `a chunk size with ${name}`, body(`${size}\r\nabc\r\n${LAST}`))
  ),
  broken("7.1", "a size line that ends with LF", body(`3\nabc\r\n${LAST}`)),
  broken("7.1", "a size line that ends with CR CR LF", body(`3\r\r\nabc\r\n${LAST}`)),
  broken("7.1", "data longer than its size", body(`3\r\nabcd\r\n${LAST}`)),
  broken("7.1", "data that LF follows", body(`3\r\nabc\n${LAST}`)),
  broken("7.1", "data that CR follows alone", body(`3\r\nabc\r${LAST}`)),
  broken("7.1", "data that nothing follows", body(`3\r\nabc${LAST}`)),
  broken("7.1", "two CRLFs after data", body(`3\r\nabc\r\n\r\n${LAST}`)),
  broken("7.1", "a last chunk that ends with LF", body("0\n\r\n")),
  broken("7.1", "LF where the trailers should end", body("0\r\n\n")),
  broken("7.1", "a last chunk of minus zero", body("-0\r\n\r\n")),
  ...EXTENSIONS.map(([name, extension]) =>
    broken("7.1.1", `a chunk extension with ${name}`, body(`3${extension}\r\nabc\r\n${LAST}`))
  ),
  ...TRAILERS.map(([name, lines, status]) =>
    broken("7.1.2", `a trailer ${name}`, body(`3\r\nabc\r\n0\r\n${lines}\r\n`), status)
  ),
  forwarded("7.1", "chunks of one byte", body(`1\r\na\r\n1\r\nb\r\n1\r\nc\r\n${LAST}`), posted("abc")),
  forwarded("7.1", "no chunk at all", body(LAST), posted("")),
  forwarded("7.1", "a last chunk of many zeros", body("3\r\nabc\r\n0000\r\n\r\n"), posted("abc")),
  forwarded(
    "7.1",
    "sizes in both cases",
    body(`A\r\n0123456789\r\nb\r\n0123456789a\r\n${LAST}`),
    posted("01234567890123456789a"),
  ),
  forwarded("7.1", "a size with leading zeros", body(`0003\r\nabc\r\n${LAST}`), posted("abc")),
  forwarded("7.1", "data that looks like the end", body(`5\r\n0\r\n\r\n\r\n${LAST}`), posted("0\r\n\r\n")),
  forwarded(
    "7.1",
    "data that looks like a request",
    body(`${SMUGGLED.length.toString(16)}\r\n${SMUGGLED}\r\n${LAST}`),
    posted(SMUGGLED),
  ),
  forwarded(
    "7.1.1",
    "extensions of every form",
    body(`3;a;b=c;d="e \\" f"\r\nabc\r\n${LAST}`),
    posted("abc"),
  ),
  forwarded("7.1.2", "a trailer", body("3\r\nabc\r\n0\r\nX-T: 1\r\n\r\n"), {
    ...posted("abc"),
    trailers: { "x-t": "1" },
  }),
  forwarded(
    "7.1",
    "a chunk of 100,000 bytes",
    body(`186a0\r\n${"z".repeat(100_000)}\r\n${LAST}`),
    posted("z".repeat(100_000)),
  ),
];

export const CONNECTIONS: readonly Case[] = [
  forwarded("9.3.2", "two requests at once", get("") + get("X-N: 2\r\n"), GOT, GOT),
  forwarded("9.3.2", "twenty requests at once", get("").repeat(20), ...Array.from({ length: 20 }, () => GOT)),
  forwarded(
    "9.3.2",
    "chunked, then counted, then nothing, at once",
    body(`3\r\nabc\r\n${LAST}`) + post("Content-Length: 5\r\n", "hello") + get(""),
    posted("abc"),
    posted("hello"),
    GOT,
  ),
  forwarded("9.3.2", "an empty line between two requests", `${get("")}\r\n${get("")}`, GOT, GOT),
  {
    clause: "9.3.2",
    name: "a good request, then a bad one: the first is answered, the second refused, the third never seen",
    send: get("") + post(`Content-Length: 5\r\n${CHUNKED}`, LAST) + SMUGGLED,
    expect: { kind: "forwarded", seen: [GOT], then: 400 },
  },
  {
    clause: "9.3.2",
    name: "content that is one byte too long spoils the next request",
    send: post("Content-Length: 4\r\n", "hello") + SMUGGLED.replace("GET", " GET"),
    expect: { kind: "forwarded", seen: [posted("hell")], then: 400 },
  },
  {
    clause: "9.3.2",
    name: "a good request, then bytes that are no HTTP",
    send: `${get("")}\x16\x03\x01\x02\x00`,
    expect: { kind: "forwarded", seen: [GOT], then: 400 },
  },
  {
    clause: "9.6",
    name: "nothing is taken after close",
    send: get("Connection: close\r\n") + SMUGGLED,
    expect: { kind: "forwarded", seen: [{ ...GOT, fields: { connection: undefined } }] },
  },
  {
    clause: "9.3",
    name: "nothing is taken after HTTP/1.0",
    send: `GET /a HTTP/1.0\r\n${HOST}\r\n${SMUGGLED}`,
    expect: { kind: "forwarded", seen: [{ start: "GET /a HTTP/1.0" }] },
  },
  {
    clause: "9.3",
    name: "close wins over keep-alive",
    send: get("Connection: keep-alive, close\r\n") + SMUGGLED,
    expect: { kind: "forwarded", seen: [GOT] },
  },
  forwarded(
    "9.3",
    "HTTP/1.0 that asks to be kept",
    `GET /a HTTP/1.0\r\n${HOST}Connection: keep-alive\r\n\r\n`.repeat(2),
    { start: "GET /a HTTP/1.0" },
    { start: "GET /a HTTP/1.0" },
  ),
  {
    clause: "6.2",
    name: "HTTP/1.0 with content",
    send: `POST /a HTTP/1.0\r\n${HOST}Content-Length: 5\r\n\r\nhello`,
    expect: { kind: "forwarded", seen: [{ start: "POST /a HTTP/1.0", body: "hello" }] },
  },
  {
    clause: "3.2",
    name: "HTTP/1.0 without Host",
    send: "GET /a HTTP/1.0\r\n\r\n",
    expect: { kind: "forwarded", seen: [{ start: "GET /a HTTP/1.0" }] },
  },
  refused(
    "9110 10.1.1",
    "Expect beside a framing of doubt",
    post(`Expect: 100-continue\r\nContent-Length: 5\r\n${CHUNKED}`),
  ),
  forwarded(
    "9110 10.1.1",
    "Expect that nobody answers",
    post("Expect: 100-continue\r\nContent-Length: 5\r\n", "hello"),
    posted("hello"),
  ),
  forwarded(
    "9110 10.1.1",
    "Expect in another case",
    post("Expect: 100-Continue\r\nContent-Length: 5\r\n", "hello"),
    posted("hello"),
  ),
];
