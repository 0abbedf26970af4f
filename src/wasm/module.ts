/**
 * The WebAssembly module made from asm/: parsers and counters as pure functions over one linear memory.
 *
 * The memory is ours and never grows: WebAssembly reads what the kernel wrote, at the same offset, and callers keep
 * state and records wherever they like from `HEAP_START` to `heapEnd`. All addresses in this interface are byte
 * offsets of that memory. No function allocates, throws or remembers anything between calls.
 */
import { LinearMemory } from "../linux/memory.ts";

/** First byte that callers may use; below lie the module's own tables. Page-aligned. */
export const HEAP_START = 65536;

/** The parsers read (and ignore) up to this many bytes after the end they are given. */
export const READ_AHEAD = 64;

const WASM_PAGE = 65536;

/** What the module exports. Layouts of records and all constants: src/wasm/http1.ts, detect.ts, histogram.ts. */
export interface MeshExports {
  /** First byte not used by the module's tables; at most `HEAP_START`. */
  heapBase(): number;
  /** Copies `length` bytes, which may overlap. Addresses are the caller's care, as everywhere here. */
  copyBytes(to: number, from: number, length: number): void;

  /**
   * Parses a request head by RFC 9112.
   * @param at first byte of the head (one CRLF before the request line is tolerated)
   * @param end one past the last byte received
   * @param record where the answer is written: `headRecordBytes(maxHeaders)` bytes, 8-byte aligned
   * @param scanned how many bytes, from `at`, an earlier call answered `Partial` for; 0 when this is the first.
   *   Only saves time: the answer depends on the bytes alone.
   * @param maxBytes longest head; beyond it `Reason.HeadTooLong` (or `TargetTooLong` while in the request line)
   * @param maxTarget longest request-target
   * @param maxHeaders most header lines; also bounds the record
   * @returns bytes consumed (> 0), `Outcome.Partial` or `Outcome.Bad` with `Head.Reason` set
   */
  parseRequestHead(
    at: number,
    end: number,
    record: number,
    scanned: number,
    maxBytes: number,
    maxTarget: number,
    maxHeaders: number,
  ): number;

  /**
   * Parses a response head by RFC 9112.
   * @param method the `Method` of the request that it answers: HEAD and CONNECT change what follows the head
   * Other parameters and result: `parseRequestHead`. Nothing may precede the status line.
   */
  parseResponseHead(
    at: number,
    end: number,
    record: number,
    scanned: number,
    maxBytes: number,
    maxHeaders: number,
    method: number,
  ): number;

  /**
   * Writes a parsed head anew without its hop-by-hop lines and those in the drop words (bit `id & 31` of word
   * `id >> 5`), and with `extraLength` bytes of header lines from `extra` added.
   * @param skip bytes before the start line
   * @returns bytes written to `out`, which must hold the old head and the added lines
   */
  rewriteHead(
    record: number,
    at: number,
    out: number,
    skip: number,
    drop0: number,
    drop1: number,
    drop2: number,
    extra: number,
    extraLength: number,
  ): number;

  /** Makes `state` (64 bytes, 8-byte aligned) ready for the first byte of a chunked body. */
  chunkedStart(state: number, maxExtensionBytes: number, maxTrailerBytes: number): void;

  /**
   * Follows a chunked body through bytes that are forwarded unchanged.
   * @returns bytes that belong to the body (all of them until `Chunked.Done` is 1), or `Outcome.Bad`
   */
  chunkedForward(state: number, at: number, end: number): number;

  /**
   * The same up to the next span of chunk data, found in `Chunked.DataOffset` and `DataLength`.
   * @returns bytes consumed, framing and data; call again while less than given and not done; or `Outcome.Bad`
   */
  chunkedStep(state: number, at: number, end: number): number;

  /**
   * The same, and copies the chunk data, contiguous, to `out`: its length is in `Chunked.DataLength`. Trailers are not
   * copied: from `Chunked.TrailerOffset` on they stand in the bytes consumed.
   * @param out room for `end - at` bytes; `at` itself, something before it, or a place apart
   * @returns bytes consumed, or `Outcome.Bad`
   */
  chunkedDecode(state: number, at: number, end: number, out: number): number;

  /**
   * Parses a whole trailer section (field lines and the empty line) into a head record, as `parseRequestHead` fills it.
   * Fields that may not be trailers (RFC 9110 section 6.5.1) have `HeaderFlag.HopByHop`.
   * @returns bytes consumed, `Outcome.Partial`, or `Outcome.Bad` with `Head.Reason` set
   */
  parseTrailers(at: number, end: number, record: number, maxHeaders: number): number;

  /**
   * Writes the whole HPACK field block of a head that was parsed or decoded, size updates included.
   *
   * Left out: entries with `HeaderFlag.HopByHop`, those in the drop words (bit `id & 31` of word `id >> 5`), Host and all
   * fields of one connection only; in trailers also what may not be one; Content-Length where there can be no content.
   * TE is written as `te: trailers` where the request said so. Never indexed, here and by every hop after: what was so
   * already, credentials, and cookies below 20 bytes. An HTTP/1 request has the scheme of an absolute target, else
   * "http". A request with `Head.ProtocolLength` is an extended CONNECT (RFC 8441).
   * @param table the encoder's table of this connection
   * @param record of a head of either version
   * @param base what the record's offsets are relative to
   * @param out where the block goes, up to `outEnd`; apart from all that is read
   * @param kind a `BlockKind`
   * @param extra lines "name: value" CRLF to add, names in lower case, trusted
   * @returns bytes written, or -1 when the block might not have found room: nothing was written then, and the table is
   *   as it was. Room of the texts, 16 bytes more for each field, the longest name and path once more, and 256 suffices.
   */
  encodeHead(
    table: number,
    record: number,
    base: number,
    out: number,
    outEnd: number,
    kind: number,
    drop0: number,
    drop1: number,
    drop2: number,
    extra: number,
    extraLength: number,
  ): number;

  /**
   * Writes an HTTP/1.1 head of a head of either version: one that `parseRequestHead` or `parseResponseHead` reads as the
   * same message. What is left out: `encodeHead`. The request line has origin form (but for CONNECT and `OPTIONS *`),
   * `host` follows with the record's authority; cookie crumbs become one line. An extended CONNECT becomes a GET with
   * Upgrade; what else its protocol needs is the caller's to add. Trailers: field lines and the empty line.
   * @param framing 0: Content-Length as it stands; 1: without it, `transfer-encoding: chunked` instead. A message that
   *   cannot have a body (CONNECT, 1xx, 204) gets neither.
   * @param extra lines with their CRLF to add, trusted
   * @returns bytes written, or -1 when the head might not have found room: nothing was written then. Room of the texts,
   *   4 bytes more for each field, the authority once more, and 256 suffices.
   */
  writeHttp1Head(
    record: number,
    base: number,
    out: number,
    outEnd: number,
    kind: number,
    framing: number,
    drop0: number,
    drop1: number,
    drop2: number,
    extra: number,
    extraLength: number,
  ): number;

  /**
   * Which protocol do the first bytes of a connection begin? Prefix-safe: an answer other than `NeedMore` never changes.
   * @param record `Detect.Words` words, 4-byte aligned
   * @param maxBytes how long to ask for more; 16384 is what a ClientHello may need
   * @returns a `Protocol`
   */
  detect(at: number, end: number, record: number, maxBytes: number): number;

  /** Counts one value (microseconds, say). Not negative, below 2^32. */
  histogramRecord(histogram: number, value: number): void;
  /** Adds all of `from` to `into`. */
  histogramMerge(into: number, from: number): void;
  /** The value at `quantile` (0 to 1), at most 1/64 off; 0 when empty. */
  histogramQuantile(histogram: number, quantile: number): number;
  /**
   * Reads the head of an HTTP/2 frame and judges what can be judged by it (RFC 9113 section 4 and 6).
   * @param record `Frame.Words` words
   * @param maxFrameSize our SETTINGS_MAX_FRAME_SIZE
   * @returns bytes before the content (9, with the pad length and priority of a frame that has them), `Outcome.Partial`,
   *   or `Outcome.Bad`: `Frame.Error` and `Frame.IsConnectionError` say how to end. After a stream's error the whole
   *   frame (9 + `Frame.Length` bytes) is to be skipped (a field block still has to be decoded).
   */
  readFrameHead(at: number, end: number, record: number, maxFrameSize: number): number;
  /** Writes the 9 bytes of a frame's head. */
  writeFrameHead(at: number, length: number, type: number, flags: number, streamId: number): void;

  /** Makes an HPACK decoding table of `hpackTableBytes(maxSize)` bytes ready; `maxSize` is our SETTINGS_HEADER_TABLE_SIZE. */
  hpackDecoderStart(table: number, maxSize: number): void;
  /**
   * Decodes a whole field block (its fragments joined) into a head record, the same as HTTP/1's, with
   * `Head.Version` 20: pseudo-header fields go to the record's words (`:path` to Target and Path, the scheme to
   * `Head.SchemeOffset`), the others to its entries. Offsets are relative to `base`. Text lies in the block, in `text`, in
   * the module's own tables or in `table`: it is valid until these change, so not beyond the next block of `table`.
   * @param record `headRecordBytes(maxHeaders)` bytes, 8-byte aligned
   * @param base what offsets are relative to; 0 makes them addresses
   * @param text room for decoded strings, up to `textEnd`; `maxListSize`, the table's size, twice the block's bytes
   *   and 16 together always suffice
   * @param maxListSize our SETTINGS_MAX_HEADER_LIST_SIZE
   * @param kind a `BlockKind`
   * @returns bytes of `text` used; `Head.Reason` is then 0 or the `BlockReason` why the message is malformed (the
   *   stream ends, the table is intact). Or `Outcome.Bad`: a compression error, the connection ends.
   */
  hpackDecode(
    table: number,
    at: number,
    end: number,
    record: number,
    base: number,
    text: number,
    textEnd: number,
    maxHeaders: number,
    maxListSize: number,
    kind: number,
  ): number;

  /** Makes an HPACK encoding table of `hpackTableBytes(limit)` bytes ready, its size 4096 or `limit` if smaller. */
  hpackEncoderStart(table: number, limit: number, usesHuffman: number): void;
  /** The peer's SETTINGS_HEADER_TABLE_SIZE came: takes up to `limit` of it. Announced by the next block. */
  hpackEncoderResize(table: number, maxSize: number): void;
  /** Begins a block. @returns bytes written at `out` (size updates): at most 12. */
  hpackBlockStart(table: number, out: number): number;
  /**
   * Encodes one field; its name in lower case.
   * @param flags `FieldFlag` bits
   * @returns bytes written at `out`: never more than 16 with name and value. Room is the caller's care.
   */
  hpackEncodeField(
    table: number,
    out: number,
    name: number,
    nameLength: number,
    value: number,
    valueLength: number,
    flags: number,
  ): number;

  /** How many values were at most `bound`; the bucket that holds `bound` is counted whole (1/32 off at most). */
  histogramCountAtMost(histogram: number, bound: number): number;
}

export interface MeshModule {
  readonly memory: LinearMemory;
  readonly exports: MeshExports;
  /** One past the last byte that callers may use: `READ_AHEAD` before the memory's end. */
  readonly heapEnd: number;
  /** The memory itself: when shared, other threads may be given it, and read counters through its buffer. */
  readonly raw: WebAssembly.Memory;
}

const compiled = new Map<string, WebAssembly.Module>();

/** The module's bytes: next to the bundle (dist/proxy.js), or in dist/ when run from source. */
function readModule(file: string): Uint8Array<ArrayBuffer> {
  const places = [`./wasm/${file}`, `../../dist/wasm/${file}`].map((path) => new URL(path, import.meta.url));
  for (const place of places) {
    try {
      return Deno.readFileSync(place);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  throw new Error(`${file} is missing (looked at ${places.join(" and ")}); "deno task build" makes it`);
}

function compile(file: string): WebAssembly.Module {
  const known = compiled.get(file);
  if (known !== undefined) return known;
  const module = new WebAssembly.Module(readModule(file));
  compiled.set(file, module);
  return module;
}

/**
 * Makes a memory of `sizeBytes` (rounded up to 64 KiB) and an instance of the module over it.
 * @param isShared whether other threads may be given the memory
 * @throws Error when the module was not built
 */
export function instantiate(sizeBytes: number, isShared = false): MeshModule {
  const pages = Math.ceil(sizeBytes / WASM_PAGE) + 1;
  const module = compile(isShared ? "mesh_shared.wasm" : "mesh.wasm");
  const raw = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: isShared });
  const instance = new WebAssembly.Instance(module, { env: { memory: raw } });
  const memory = new LinearMemory(raw.buffer as ArrayBuffer);
  return {
    memory,
    exports: instance.exports as unknown as MeshExports,
    heapEnd: memory.size - READ_AHEAD,
    raw,
  };
}
