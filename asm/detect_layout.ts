/** The record that `detect` fills, in 32-bit words, and what it answers. 608 bytes. */
export const enum Detect {
  /** A `DetectReason`: why bytes that began like TLS were called opaque. */
  Reason = 0,
  /** What to take it for when the time for detection is over: a `Protocol`. What has begun like HTTP stays HTTP. */
  Guess = 1,
  /** Length of the server name that a ClientHello asks for, 0 when none; its bytes are at word `ServerName`, in lower case. */
  ServerNameLength = 2,
  /** Length of the ALPN list; its bytes (length byte, name, length byte, name ...) are at word `Alpn`. */
  AlpnLength = 3,
  /** Bytes of the ClientHello with its record headers. */
  HelloLength = 4,
  ServerName = 8,
  Alpn = 72,
  Words = 152,
}

/** Which protocol do these bytes begin? */
export const enum Protocol {
  NeedMore = 0,
  Http1 = 1,
  Http2 = 2,
  Tls = 3,
  Opaque = 4,
}

export const enum DetectReason {
  None = 0,
  /** Not one of the known beginnings. */
  Unknown = 1,
  /** A TLS record header with an impossible version or length. */
  BadRecord = 2,
  /** A handshake, but not a well-formed ClientHello. */
  BadClientHello = 3,
  /** The ClientHello is longer than the limit. */
  ClientHelloTooLong = 4,
}
