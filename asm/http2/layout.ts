/** Records and constants of HTTP/2 (RFC 9113) and HPACK (RFC 7541): read by AssemblyScript and TypeScript alike. */

/** Words of the record that `readFrameHead` fills; 4-byte aligned. */
export const enum Frame {
  /** After `Outcome.Bad`: a `Http2Error`, and whether it ends the connection (1) or only the stream (0). */
  Error = 0,
  IsConnectionError = 1,
  Type = 2,
  Flags = 3,
  StreamId = 4,
  /** Bytes of payload as the frame says: what flow control counts for DATA. */
  Length = 5,
  /** Bytes of content after what was consumed, without padding: data, or a fragment of a field block. */
  ContentLength = 6,
  /** Bytes of padding after the content. */
  PaddingLength = 7,
  /** HEADERS with priority: the stream it depends on (-1 otherwise). Nothing else of priority is kept. */
  Dependency = 8,
  Words = 10,
}

export const enum FrameType {
  Data = 0,
  Headers = 1,
  Priority = 2,
  ResetStream = 3,
  Settings = 4,
  PushPromise = 5,
  Ping = 6,
  GoAway = 7,
  WindowUpdate = 8,
  Continuation = 9,
}

export const enum FrameFlag {
  EndStream = 1,
  Acknowledge = 1,
  EndHeaders = 4,
  Padded = 8,
  Priority = 32,
}

/** RFC 9113 section 7. */
export const enum Http2Error {
  None = 0,
  Protocol = 1,
  Internal = 2,
  FlowControl = 3,
  SettingsTimeout = 4,
  StreamClosed = 5,
  FrameSize = 6,
  RefusedStream = 7,
  Cancel = 8,
  Compression = 9,
  Connect = 10,
  EnhanceYourCalm = 11,
  InadequateSecurity = 12,
  Http11Required = 13,
}

export const enum Setting {
  HeaderTableSize = 1,
  EnablePush = 2,
  MaxConcurrentStreams = 3,
  InitialWindowSize = 4,
  MaxFrameSize = 5,
  MaxHeaderListSize = 6,
  EnableConnectProtocol = 8,
}

/** What a field block begins: decides which pseudo-header fields it must have. */
export const enum BlockKind {
  Request = 0,
  Response = 1,
  Trailers = 2,
}

/** Why a field block was refused: as a whole (the connection ends) or as a message (the stream ends). */
export enum BlockReason {
  None = 0,
  /** Below 32: compression errors, after which the connection cannot go on. */
  Truncated = 1,
  BadInteger = 2,
  BadIndex = 3,
  BadHuffman = 4,
  BadSizeUpdate = 5,
  TextTooLong = 6,
  /** From 32 on: the block was decoded, but the message is malformed. */
  ListTooLarge = 32,
  BadName = 33,
  BadValue = 34,
  PseudoAfterField = 35,
  UnknownPseudo = 36,
  RepeatedPseudo = 37,
  MissingPseudo = 38,
  BadStatus = 39,
  BadPath = 40,
  BadAuthority = 41,
  ConnectionField = 42,
  BadTe = 43,
  BadContentLength = 44,
  HostDiffers = 45,
  BadMethod = 46,
  BadScheme = 47,
  BadProtocol = 48,
}

/** Flags of a field for the encoder, in `HeaderEntry.Flags` (bits that `HeaderFlag` does not use). */
export const enum FieldFlag {
  /** Must be encoded as never indexed, here and by every hop after. The decoder sets it too. */
  NeverIndexed = 16,
  /** Not worth an entry of the dynamic table: changes from message to message. */
  NotIndexed = 32,
}

/** Words of an HPACK table, decoder's or encoder's. All private but these. */
export const enum Hpack {
  /** The most bytes that the table may ever be told to hold (decoder: our SETTINGS; encoder: what memory there is). */
  Limit = 0,
  /** The size in force. */
  Maximum = 1,
  /** Bytes counted (RFC 7541 section 4.1) and entries held. */
  Size = 2,
  Count = 3,
  /** Private: slot of the newest entry, where the next text goes, slots in all, offset of the texts. */
  Newest = 4,
  WriteOffset = 5,
  Slots = 6,
  TextOffset = 7,
  /** Encoder: the smallest and the last size to announce, -1 for none. */
  SmallestUpdate = 8,
  LastUpdate = 9,
  /** Encoder: whether strings are Huffman coded. */
  UsesHuffman = 10,
  /** Bytes of texts written since the beginning, those skipped at the end of the ring included: wraps around at 2^32. */
  Written = 11,
  /** Encoder: entries added since the beginning; where its index begins and how many sets of fields it has less one (see
   * encoder_index.ts), and which place was given away last. */
  Added = 12,
  Index = 13,
  FieldSetMask = 14,
  Turn = 15,
  Words = 16,
}

/** Words of one entry of a table. The first five are as in a `HeaderEntry`, but for addresses instead of offsets. */
export const enum TableEntry {
  Name = 0,
  NameLength = 1,
  Value = 2,
  ValueLength = 3,
  /** `HeaderName` in the low byte. Decoder: in the next one the bit of `Head.Present` it has; `TableMark` bits. */
  Mark = 4,
  /** Decoder, with `TableMark.Judged`: what the value was found to be, a number or two, or one of 64 bits. */
  Meaning = 5,
  SecondMeaning = 6,
  /** Encoder: `Hpack.Added` when it was. */
  Number = 5,
  /** `Hpack.Written` when its text was. */
  Start = 7,
  Words = 8,
}

export const enum TableMark {
  BadName = 0x10000,
  BadValue = 0x20000,
  /** HTTP/2 has rules for the field: a pseudo-header field, or one of the first 15 ids. */
  Special = 0x40000,
  /** The value was judged before, and is good. */
  Judged = 0x80000,
}
