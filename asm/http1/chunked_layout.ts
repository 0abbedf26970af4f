/** Words of the caller-owned, 8-byte aligned, 64-byte state of a chunked body (see asm/http1/chunked.ts). */
export const enum Chunked {
  /** Private: which byte is expected next. */
  Phase = 0,
  /** 1 once the body, its trailers and last CRLF are consumed. */
  Done = 1,
  /** Bytes of chunk data still to come, as one double (`doubles[(state >> 3) + 1]`). */
  Remaining = 2,
  /** `chunkedStep`: the chunk data within the bytes just consumed, relative to `at`. Length 0: none.
   * `chunkedDecode`: how many bytes of data it put at `out`. */
  DataOffset = 4,
  DataLength = 5,
  /** A `Reason` after `Outcome.Bad`. */
  Reason = 6,
  /** Bytes of extensions and of trailers seen so far in this body, and the most that is allowed. */
  ExtensionBytes = 7,
  TrailerBytes = 8,
  MaximumExtensionBytes = 9,
  MaximumTrailerBytes = 10,
  /** 1 once a trailer field was seen. */
  HasTrailers = 11,
  /** Private: progress within a size, a trailer name. */
  Digits = 12,
  NameIndex = 13,
  NameCandidates = 14,
  /** Where the trailer section (its empty line included) begins or goes on within the bytes just consumed, relative to
   * `at`; -1 when none of it was among them. It goes on to the end of what was consumed. */
  TrailerOffset = 15,
  /** Words in all. */
  Words = 16,
}
