/**
 * One HTTP/2 connection of the data path, either side: reads frames where they were received, keeps the rules that hold
 * for both (RFC 9113 §4–§6), and hands messages to its streams. No strings, no promises, no object per frame; why not
 * node:http2: it has all three, and can be driven to throw by a peer.
 */
import { Body, Head, Outcome } from "../../../wasm/http1.ts";
import { BlockKind, BlockReason, Frame, FrameFlag, FrameType, Http2Error } from "../../../wasm/http2.ts";
import { type Arena, HPACK_TABLE_MAX, HPACK_TEXT_SIZE, READ_SIZE } from "../../worker/arena.ts";
import { HeldBytes } from "../../worker/held.ts";
import {
  AGAIN,
  CLOSED_BY_PEER,
  FAILED,
  type Stream,
  type StreamFailure,
  type StreamOwner,
} from "../../worker/stream.ts";
import { Lingering } from "../lingering.ts";
import { BlockAssembly } from "./block.ts";
import { ControlFrames } from "./control_frames.ts";
import {
  CONNECTION_WINDOW,
  DEFAULT_WINDOW,
  FRAMES_PER_EVENT,
  MAX_BLOCK_BYTES,
  MAX_FIELDS,
  MAX_FRAME_BYTES,
  MAX_HEADER_LIST_BYTES,
  NUISANCE_BURST,
  NUISANCE_PER_SECOND,
  OUTPUT_PAUSE_BYTES,
  UNFINISHED_TIMEOUT_MS,
} from "./limits.ts";
import { FrameWriter } from "./frame_writer.ts";
import { FrameOutput } from "./output.ts";
import { KeepAlive } from "./keep_alive.ts";
import { ReceiveWindow } from "./receive_window.ts";
import { RateBudget } from "../../worker/rate_budget.ts";
import { RecentResets } from "./recent_resets.ts";
import { SendQueue } from "./send_queue.ts";
import { PeerSettings } from "./settings.ts";
import { StreamTable } from "./stream_table.ts";
import type { Http2Stream } from "./stream.ts";

const FRAME_HEAD = 9, READS_PER_EVENT = 4;

export abstract class Http2Connection implements StreamOwner {
  readonly arena: Arena;
  readonly output: FrameOutput;
  readonly streams = new StreamTable<Http2Stream>();
  /** Bytes of content that we may send on all streams together. */
  sendWindow = DEFAULT_WINDOW;
  readonly peer: PeerSettings;
  isClosed = false;
  /** The highest stream that the peer began. */
  protected lastPeerStream = 0;
  readonly #decoder: number;
  readonly #encoder: number;
  readonly writer: FrameWriter;
  readonly #receiveWindow: ReceiveWindow;
  readonly #partial: HeldBytes;
  readonly #block: BlockAssembly;
  #dataStream: Http2Stream | undefined;
  #dataLeft = 0;
  #dataEnds = false;
  /** Frames that have come whole, up to now. */
  #frames = 0;
  /** How many had when a part of the next one was kept, and when that was (microseconds on the loop's clock). */
  #partialAfter = -1;
  #partialSince = 0;
  #skipLeft = 0;
  readonly #waiting = new SendQueue(() => this.#mayResume);
  readonly #control = new ControlFrames(this);
  protected readonly recentResets = new RecentResets();
  readonly #nuisances: RateBudget;
  readonly #keepAlive: KeepAlive;

  /** @param tables two HPACK tables (Arena.takeTable), given back when the connection ends */
  constructor(
    readonly stream: Stream,
    readonly isServer: boolean,
    tables: readonly [number, number],
  ) {
    this.arena = stream.arena;
    stream.owner = this;
    [this.#decoder, this.#encoder] = tables;
    this.arena.wasm.hpackDecoderStart(this.#decoder, HPACK_TABLE_MAX);
    this.#partial = new HeldBytes(this.arena);
    this.#block = new BlockAssembly(this.arena);
    this.peer = new PeerSettings(this);
    this.#nuisances = new RateBudget(NUISANCE_BURST, NUISANCE_PER_SECOND, stream.loop.now);
    this.output = new FrameOutput(
      stream,
      () => this.onFailed(stream, stream.failure!),
      () => this.resumeWaiting(),
    );
    this.writer = new FrameWriter(this.arena, this.output, this.#encoder, this.peer, () => this.#overflow());
    this.#receiveWindow = new ReceiveWindow(this.writer);
    this.#keepAlive = new KeepAlive(
      stream.loop,
      () => this.streams.size > 0,
      () => {
        this.trim();
        this.#endUnfinished();
      },
      () => this.writer.ping(),
      () => stream.fail({ code: "reset", detail: "the peer does not answer PING", errno: 0 }),
    );
  }

  /** A field block for a stream stands in the record (offsets relative to 0). `next` is what follows the frame. */
  protected abstract onMessage(id: number, isEnd: boolean, next: number, end: number): number;
  /** `BlockKind` of a block that begins on stream `id`; -1 ends the connection (the abstract class has said so). */
  protected abstract kindOf(id: number): number;
  abstract onGoAway(lastStream: number, code: number): void;
  /** The connection is over: streams have been told. */
  protected abstract onConnectionEnd(failure: StreamFailure | undefined): void;

  /** Lets go of what has not been needed for a while; called every few seconds. */
  protected trim(): void {}

  onOpen(_stream: Stream): void {
    this.output.flush();
  }

  onDrained(_stream: Stream): void {
    this.output.flush();
    if (this.output.pending < OUTPUT_PAUSE_BYTES && !this.isClosed) this.stream.resume();
  }

  // ---- reading

  onReadable(stream: Stream): void {
    const frames = this.#frames;
    for (let i = 0; i < READS_PER_EVENT && (this.#frames - frames | 0) < FRAMES_PER_EVENT; i++) {
      if (this.output.pending >= OUTPUT_PAUSE_BYTES) return stream.pause();
      const at = this.arena.receiveAt, held = this.#partial.restore(at);
      const count = stream.read(at + held, READ_SIZE - held);
      if (count === AGAIN) {
        if (held > 0) this.#keep(at, at + held);
        return;
      }
      if (count === FAILED) return this.onFailed(stream, stream.failure!);
      if (count === 0) return this.end((this.isServer ? undefined : stream.loss) ?? CLOSED_BY_PEER);
      this.#keepAlive.heard();
      this.consume(at, at + held + count);
      if (this.isClosed) return;
      if (stream.tls === undefined ? held + count < READ_SIZE : !stream.tls.hasPending()) return;
    }
    if (stream.tls?.hasPending()) stream.readAgain(); // of what the socket still has the system tells
  }

  #keep(at: number, end: number): void {
    if (this.#partialAfter !== this.#frames) {
      this.#partialAfter = this.#frames;
      this.#partialSince = this.stream.loop.now;
    }
    if (!this.#partial.keep(at, end - at)) {
      this.fail(Http2Error.EnhanceYourCalm, "no buffer is left for a frame");
    }
  }

  /** Ends the connection when a frame, or a field block, has not become whole in its time. */
  #endUnfinished(): void {
    const { loop } = this.stream, before = loop.now - UNFINISHED_TIMEOUT_MS * 1000;
    const isBlockLate = this.#block.stream !== 0 && this.#block.beganAt < before;
    const isFrameLate = this.#partial.length > 0 && this.#partialAfter === this.#frames &&
      this.#partialSince < before;
    if (isBlockLate || isFrameLate) this.fail(Http2Error.EnhanceYourCalm, "a frame never became whole");
  }

  /** Takes the bytes from `start` to `end` of the receive area. */
  protected consume(start: number, end: number): void {
    let at = start;
    while (at < end && !this.isClosed) {
      if (this.#dataLeft > 0) at = this.#takeData(at, end);
      else if (this.#skipLeft > 0) {
        const count = Math.min(this.#skipLeft, end - at);
        this.#skipLeft -= count;
        at += count;
      } else {
        const next = this.#takeFrame(at, end);
        if (next < 0) return this.isClosed ? undefined : this.#keep(at, end);
        this.#frames = this.#frames + 1 | 0;
        at = next;
      }
    }
  }

  /** Content of the DATA frame at hand, as far as it has come. */
  #takeData(at: number, end: number): number {
    const count = Math.min(this.#dataLeft, end - at);
    this.#dataLeft -= count;
    this.#giveData(at, count, this.#dataEnds && this.#dataLeft === 0);
    return at + count;
  }

  #giveData(at: number, length: number, isEnd: boolean): void {
    const stream = this.#dataStream;
    if (stream === undefined || stream.id === 0) return; // reset meanwhile
    if (stream.expected >= 0) {
      stream.expected -= length;
      if (stream.expected < 0 || (isEnd && stream.expected > 0)) {
        return this.breach(stream, Http2Error.Protocol);
      }
    }
    stream.receive(at, length, isEnd);
  }

  /** @returns where the next frame begins; -1 when more bytes are needed */
  #takeFrame(at: number, end: number): number {
    const { wasm, frameAt, memory: { words } } = this.arena, frame = frameAt >> 2;
    const head = wasm.readFrameHead(at, end, frameAt, MAX_FRAME_BYTES);
    if (head === Outcome.Partial) return -1;
    const type = words[frame + Frame.Type]!, length = words[frame + Frame.Length]!;
    const id = words[frame + Frame.StreamId]!, flags = words[frame + Frame.Flags]!;
    if (head === Outcome.Bad) {
      const code = words[frame + Frame.Error]!;
      if (words[frame + Frame.IsConnectionError] === 1) return this.fail(code, "a frame is malformed");
      return this.#badFrame(id, code, type, at, end, length);
    }
    const isContinued = this.#block.stream !== 0;
    if (isContinued !== (type === FrameType.Continuation) || (isContinued && id !== this.#block.stream)) {
      return this.fail(Http2Error.Protocol, "a field block is not continued, or nothing is");
    }
    if (type === FrameType.Data) return this.#beginData(at + head, id, flags, length);
    if (at + FRAME_HEAD + length > end) return -1;
    const content = at + head, next = at + FRAME_HEAD + length;
    const contentLength = words[frame + Frame.ContentLength]!;
    if (type === FrameType.Headers || type === FrameType.Continuation) {
      return this.#takeBlock(type, id, flags, content, contentLength, next, end);
    }
    return this.#control.take(type, id, flags, content, length) ? next : -1;
  }

  /** A frame that is wrong for its stream only. */
  #badFrame(id: number, code: number, type: number, at: number, end: number, length: number): number {
    if (type === FrameType.Headers) return this.fail(code, "a HEADERS frame is malformed"); // its block is lost
    if (at + FRAME_HEAD + length > end) return -1;
    const stream = this.streams.get(id);
    if (stream !== undefined) this.breach(stream, code);
    else if (!this.isClosedStream(id)) return this.fail(code, "a malformed frame on an idle stream");
    else this.writeReset(id, code);
    return at + FRAME_HEAD + length;
  }

  #beginData(content: number, id: number, flags: number, length: number): number {
    const { words } = this.arena.memory, frame = this.arena.frameAt >> 2;
    const contentLength = words[frame + Frame.ContentLength]!;
    if (!this.#receiveWindow.take(length)) {
      return this.fail(Http2Error.FlowControl, "the connection's window is exceeded");
    }
    let stream = this.streams.get(id);
    if (stream === undefined) {
      if (!this.isClosedStream(id)) return this.fail(Http2Error.Protocol, "DATA on an idle stream");
      if (!this.recentResets.has(id)) this.writeReset(id, Http2Error.StreamClosed);
    } else if (stream.isReceiveEnded) {
      this.breach(stream, Http2Error.StreamClosed);
      stream = undefined;
    } else {
      stream.receiveWindow -= length;
      if (stream.receiveWindow < 0) {
        this.breach(stream, Http2Error.FlowControl);
        stream = undefined;
      }
    }
    this.#dataStream = stream;
    this.#dataLeft = contentLength;
    this.#dataEnds = (flags & FrameFlag.EndStream) !== 0;
    this.#skipLeft = words[frame + Frame.PaddingLength]!;
    if (length > contentLength) stream?.credit(length - contentLength);
    if (contentLength === 0) {
      if (!this.#dataEnds && !this.nuisance()) return -1;
      if (this.#dataEnds) this.#giveData(content, 0, true);
    }
    return content;
  }

  #takeBlock(
    type: number,
    id: number,
    flags: number,
    content: number,
    length: number,
    next: number,
    end: number,
  ): number {
    const isLast = (flags & FrameFlag.EndHeaders) !== 0;
    if (type === FrameType.Headers && isLast) {
      return this.#decode(id, content, length, (flags & FrameFlag.EndStream) !== 0, next, end);
    }
    if (type === FrameType.Headers) {
      this.#block.begin(id, (flags & FrameFlag.EndStream) !== 0, this.stream.loop.now);
    }
    if (!this.#block.add(content, length)) {
      return this.fail(Http2Error.EnhanceYourCalm, "a field block is too long");
    }
    if (!isLast) return next;
    const { at, length: blockLength, isEnd } = this.#block;
    const answer = this.#decode(id, at, blockLength, isEnd, next, end);
    this.#block.release();
    return answer;
  }

  #decode(id: number, at: number, length: number, isEnd: boolean, next: number, end: number): number {
    const kind = this.kindOf(id);
    if (this.isClosed) return -1;
    const { wasm, recordAt, hpackTextAt, memory: { words } } = this.arena;
    if (length > MAX_BLOCK_BYTES) return this.fail(Http2Error.EnhanceYourCalm, "a field block is too long");
    const decoded = wasm.hpackDecode(
      this.#decoder,
      at,
      at + length,
      recordAt,
      0,
      hpackTextAt,
      hpackTextAt + HPACK_TEXT_SIZE,
      MAX_FIELDS,
      MAX_HEADER_LIST_BYTES,
      kind < 0 ? BlockKind.Trailers : kind,
    );
    if (decoded === Outcome.Bad) return this.fail(Http2Error.Compression, "a field block cannot be decoded");
    if (kind < 0) return next; // of a stream that is no more: it only had to be decoded
    const record = recordAt >> 2;
    if (isEnd && kind !== BlockKind.Trailers) {
      // A length that nothing can fill: fine only for an answer to HEAD, and 304, which the stream knows of.
      if (words[record + Head.Body] === Body.UntilClose) words[record + Head.Body] = Body.None;
    }
    return this.onMessage(id, isEnd, next, end);
  }

  /** Whether the block just decoded is a message that may go on. */
  get blockReason(): BlockReason {
    return this.arena.memory.words[(this.arena.recordAt >> 2) + Head.Reason]!;
  }

  /**
   * The DATA frame at `next`, when it is whole, unpadded, of stream `id`: its content can go out with the head before
   * it. Its flow control is done here. @returns bytes of content; -1 when there is none such
   */
  peekData(next: number, end: number, stream: Http2Stream): number {
    const { wasm, frameAt, memory: { words } } = this.arena, frame = frameAt >> 2;
    if (wasm.readFrameHead(next, end, frameAt, MAX_FRAME_BYTES) !== FRAME_HEAD) return -1;
    const length = words[frame + Frame.Length]!;
    if (words[frame + Frame.Type] !== FrameType.Data || words[frame + Frame.StreamId] !== stream.id) {
      return -1;
    }
    if (length === 0 || next + FRAME_HEAD + length > end || length > stream.receiveWindow) return -1;
    if ((words[frame + Frame.Flags]! & FrameFlag.Padded) !== 0) return -1;
    const isEnd = (words[frame + Frame.Flags]! & FrameFlag.EndStream) !== 0;
    if (stream.expected >= 0 && (isEnd ? stream.expected !== length : stream.expected < length)) return -1;
    if (length > this.#receiveWindow.left || !this.#receiveWindow.take(length)) return -1;
    if (stream.expected >= 0) stream.expected -= length;
    stream.receiveWindow -= length;
    stream.isReceiveEnded = isEnd;
    return length;
  }

  // ---- what a peer may do only so often

  /** The peer's SETTINGS have been taken. */
  onPeerSettings(): void {
    this.resumeWaiting();
  }

  onPingAnswered(): void {
    this.#keepAlive.answered();
  }

  /** Something that a peer has no good reason to do often. @returns false when it was once too often */
  nuisance(): boolean {
    return this.#nuisances.spend(this.stream.loop.now) ||
      this.fail(Http2Error.EnhanceYourCalm, "too many frames to no purpose") > 0;
  }

  /**
   * Ends a stream whose peer broke the rules on it. A request that goes as soon as it came costs us work, and its
   * client nothing, whichever side resets it (CVE-2025-8671).
   */
  breach(stream: Http2Stream, code: number): void {
    this.resetStream(stream, code);
    if (this.isServer) this.nuisance();
  }

  /** Whether a stream without an entry in the table was there once. */
  isClosedStream(id: number): boolean {
    const isPeers = (id & 1) === (this.isServer ? 1 : 0);
    return isPeers ? id <= this.lastPeerStream : id < this.nextOwnStream;
  }

  /** One past the highest stream that we began. */
  protected nextOwnStream = 0;

  // ---- ending streams

  #overflow(): void {
    this.stream.fail({ code: "memory", detail: "no buffer is left for frames that wait", errno: 0 });
  }

  /** Resets a stream that is in no table, or no more. */
  protected writeReset(id: number, code: number): void {
    this.recentResets.add(id);
    this.writer.word(FrameType.ResetStream, id, code);
  }

  /** Ends one stream with an error, ours or of the peer's making. */
  resetStream(stream: Http2Stream, code: number): void {
    const { id } = stream;
    if (id === 0 || !this.streams.delete(id)) return;
    this.writeReset(id, code);
    stream.onReset(code, true);
  }

  /** Ends one stream whose owner knows already. */
  dropStream(stream: Http2Stream, code: number): void {
    if (stream.id === 0 || !this.streams.delete(stream.id)) return;
    this.writeReset(stream.id, code);
  }

  /** No buffer is left for what a stream wants to keep. */
  loadShed(stream: Http2Stream): void {
    this.resetStream(stream, Http2Error.EnhanceYourCalm);
  }

  /** `stream` has bytes to send that must wait for a window, or for room. */
  queueToSend(stream: Http2Stream): void {
    this.#waiting.add(stream);
  }

  get #mayResume(): boolean {
    return this.sendWindow > 0 && !this.output.isBlocked && !this.isClosed;
  }

  /** The connection's window has grown, or its output has room. */
  resumeWaiting(): void {
    this.#waiting.resume();
  }

  // ---- the end

  /** A connection error: says why (GOAWAY), then closes. @returns -1 */
  fail(code: number, detail: string): -1 {
    if (this.isClosed) return -1;
    this.writer.goAway(this.lastPeerStream, code);
    this.output.flush();
    if (!this.isClosed) this.end({ code: "reset", detail: `HTTP/2: ${detail}`, errno: 0 }, true);
    return -1;
  }

  /**
   * Closes the connection; streams that are open are told.
   * @param isHeard the peer may still be sending, and is to hear why that is of no use
   */
  protected end(failure: StreamFailure | undefined, isHeard = false): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.#keepAlive.stop();
    const open = this.streams.values();
    this.streams.clear();
    this.failure = failure;
    for (const stream of open) stream.onReset(Http2Error.Internal, false);
    this.output.release();
    this.#partial.release();
    this.#block.release();
    this.arena.giveTable(this.#decoder);
    this.arena.giveTable(this.#encoder);
    if (isHeard && this.isServer) new Lingering(this.stream, CONNECTION_WINDOW); // as much may be under way
    else this.stream.close();
    this.onConnectionEnd(failure);
  }

  /** Why the connection ended, while its streams are told. */
  failure: StreamFailure | undefined;

  onFailed(_stream: Stream, failure: StreamFailure): void {
    this.end(failure);
  }
}
