/**
 * The record that the head parsers fill: one source for AssemblyScript and for TypeScript (plain constants only, so
 * that both compilers read this very file).
 *
 * All numbers are indices of 32-bit words from the record's start, which is 8-byte aligned. Every `*Offset` in it is
 * in bytes relative to `at`, the first byte given to the parser, so that a buffer may be moved after the parse.
 */

/** What the parsers answer when they do not answer a number of bytes. */
export const enum Outcome {
  /** The bytes can never become a head: `Head.Reason` says why. */
  Bad = -1,
  /** More bytes are needed. Pass what was seen so far as `scanned` next time. */
  Partial = -2,
}

/** Words of the record. */
export const enum Head {
  /** Why the head was refused: a `Reason`. Valid after `Outcome.Bad`. */
  Reason = 0,
  /** Bytes of the head, the empty line included: the parser's result. HTTP/2: the size of the field list, as
   * RFC 9113 section 10.5.1 counts it (32 bytes more for each field). */
  Length = 1,
  /** Requests: a `Method`, 0 for one that is not listed there. */
  Method = 2,
  MethodOffset = 3,
  MethodLength = 4,
  /** The request-target, as sent. */
  TargetOffset = 5,
  TargetLength = 6,
  /** A `TargetForm`. */
  TargetForm = 7,
  /** Absolute form and HTTP/2: length of the scheme, which begins at `SchemeOffset`; else 0. */
  SchemeLength = 8,
  /** Path and query: of an absolute form what follows the authority (may be empty); of authority form empty. */
  PathOffset = 9,
  PathLength = 10,
  /** Length of the path without "?" and query. */
  PathOnlyLength = 11,
  /** Who is asked: the authority of the target where it has one, else the value of Host. Length 0 when neither says. */
  AuthorityOffset = 12,
  AuthorityLength = 13,
  /** The port within that authority, -1 when it names none. */
  AuthorityPort = 14,
  /** Length of the authority without ":" and port. Brackets of an IPv6 address included. */
  AuthorityNameLength = 15,
  /** The length of the body as one double (`doubles[(record >> 3) + 8]`), when `Body` is `Body.Length`. */
  ContentLength = 16,
  /** 10 for HTTP/1.0, 11 for HTTP/1.1, 20 for HTTP/2. */
  Version = 18,
  /** A `Body`: how the message goes on after the head. */
  Body = 19,
  /** `HeadFlag` bits. */
  Flags = 20,
  /** Responses: 100 to 999. */
  Status = 21,
  /** Requests: the scheme. */
  SchemeOffset = 22,
  /** Responses: the reason phrase (may be empty). */
  PhraseOffset = 22,
  PhraseLength = 23,
  /** The value of Host; the length is -1 when there is none. */
  HostOffset = 24,
  HostLength = 25,
  /** Which well-known names occur: bit `id & 31` of word `Present + (id >> 5)`. Three words. */
  Present = 26,
  /** Offset of the first header line: what lies before it is the start line. */
  FirstHeaderOffset = 29,
  /** Number of header entries. */
  HeaderCount = 30,
  /** The value of Upgrade (last one); valid with `HeadFlag.Upgrade`. Index of its header entry. */
  UpgradeIndex = 31,
  /** HTTP/2: the value of `:protocol` (extended CONNECT, RFC 8441); the length is 0 when there is none. */
  ProtocolOffset = 32,
  ProtocolLength = 33,
  /** The first header entry; entry `n` begins at word `Headers + n * HeaderEntry.Words`. */
  Headers = 34,
}

/**
 * Words of one header entry. A line begins at `NameOffset` and ends where the next begins (the last one: two bytes
 * before the head's end), so runs of kept lines can be copied whole.
 */
export const enum HeaderEntry {
  NameOffset = 0,
  NameLength = 1,
  /** Without the white space around it. */
  ValueOffset = 2,
  ValueLength = 3,
  /** A `HeaderName`, 0 for a name that is not listed there. */
  Id = 4,
  /** `HeaderFlag` bits. */
  Flags = 5,
  Words = 6,
}

export const enum HeaderFlag {
  /** A Connection header of this head names it (never set on Host, Content-Length, Transfer-Encoding). */
  NamedByConnection = 1,
  /** Must not be forwarded: Connection, Keep-Alive, Proxy-Connection, Upgrade, and what Connection names.
   * Also Content-Length and Transfer-Encoding of a 2xx answer to CONNECT. */
  HopByHop = 2,
}

export const enum Method {
  Other = 0,
  Get = 1,
  Head = 2,
  Post = 3,
  Put = 4,
  Delete = 5,
  Connect = 6,
  Options = 7,
  Trace = 8,
  Patch = 9,
}

export const enum TargetForm {
  /** `/path?query` */
  Origin = 1,
  /** `http://authority/path?query` */
  Absolute = 2,
  /** `host:port`, CONNECT only. */
  Authority = 3,
  /** `*`, OPTIONS only. */
  Asterisk = 4,
}

/** How a message goes on after its head. */
export const enum Body {
  None = 0,
  /** `Head.ContentLength` bytes follow (never 0: that is `None`). */
  Length = 1,
  Chunked = 2,
  /** Responses: everything until the connection ends. HTTP/2: until the stream ends, no length was said. */
  UntilClose = 3,
  /** No message any more: a CONNECT request (HTTP/2's extended one too), a 2xx answer to it, or 101. */
  Tunnel = 4,
}

export const enum HeadFlag {
  /** The sender will keep the connection after this message, as far as the head says. */
  KeepAlive = 1,
  /** `Expect: 100-continue` in an HTTP/1.1 request. */
  ExpectContinue = 2,
  /** Upgrade and `Connection: upgrade`, both, in HTTP/1.1. */
  Upgrade = 4,
  /** `Connection: close` was said. */
  Close = 8,
  /** At least one entry has `HeaderFlag.HopByHop`. */
  HasHopByHop = 16,
  /** At least one name begins with `l5d-`. */
  HasMeshHeader = 32,
  /** A 1xx response other than 101: another head follows. */
  Interim = 64,
  /** Host disagrees with the authority of the target (or is missing there): the target's counts, Host must be rewritten. */
  HostDiffers = 128,
  /** `TE: trailers`. */
  AcceptsTrailers = 256,
  /** Set by whoever knows, never by a parser: the target is to be written in absolute form. */
  AbsoluteForm = 512,
}
