/**
 * One connection of the data plane: a non-blocking socket, with TLS or without. It reads where it is told to, keeps
 * what the kernel did not take of a write, and tells its owner what happened. Everything is bounded: at most one slot
 * waits to be written, and an owner that looks at `isBlocked` before it reads its other side never needs more.
 */
import { EAGAIN, ECONNRESET, EINTR, EPIPE, errnoName } from "../../linux/errno.ts";
import { EPOLLERR, EPOLLET, EPOLLHUP, EPOLLIN, EPOLLOUT, EPOLLRDHUP } from "../../linux/epoll.ts";
import { TLS_FAILED, type TlsSession, WANT_READ, WANT_WRITE } from "../../linux/openssl/session.ts";
import { splice } from "../../linux/splice.ts";
import {
  close,
  peerAddress,
  receive,
  send,
  setAbortOnClose,
  shutdown,
  socketError,
} from "../../linux/socket.ts";
import { Activity } from "./activity.ts";
import type { Arena } from "./arena.ts";
import type { EventHandler, Loop } from "./loop.ts";
import { SLOT_SIZE } from "./slots.ts";
import { resetBy, type StreamFailure } from "./stream_failure.ts";

export { CLOSED_BY_PEER, CLOSED_BY_PROXY, type StreamFailure } from "./stream_failure.ts";

/** A read or write would block. */
export const AGAIN = -1;
/** The connection is of no more use; `failure` says why. */
export const FAILED = -2;

/** Where a stream adds the bytes it moves (a metric series). */
export interface ByteCounters {
  readBytes: number;
  writtenBytes: number;
}

export interface StreamOwner {
  /** A reset under what is written is no end yet (`loss`): what the peer said before is read, writes are forgotten. */
  readonly hearsOut?: boolean;
  /** The connection stands: TCP is connected and TLS, if any, agreed. */
  onOpen(stream: Stream): void;
  /** Bytes, or the end of them, can be read. */
  onReadable(stream: Stream): void;
  /** What waited has been written. */
  onDrained(stream: Stream): void;
  /** It failed, and has been closed. */
  onFailed(stream: Stream, failure: StreamFailure): void;
}

/** The owner of a stream that nobody looks after yet: it is given another before the loop turns. */
export const NOBODY: StreamOwner = { onOpen() {}, onReadable() {}, onDrained() {}, onFailed() {} };

const UNCOUNTED: ByteCounters = { readBytes: 0, writtenBytes: 0 };
const CONNECTING = 0, HANDSHAKING = 1, OPEN = 2, CLOSED = 3;

export class Stream implements EventHandler {
  owner: StreamOwner;
  tls: TlsSession | undefined;
  counters: ByteCounters = UNCOUNTED;
  /** The peer has sent its end. */
  isReadEnded = false;
  #state: number;
  #interest: number;
  #slot = 0;
  #pendingStart = 0;
  #pendingEnd = 0;
  #isShutdownPending = false;
  #isPaused = false;
  #wantsWriteToRead = false;
  #isSendBlocked = false;
  #isHandshakeQueued = false;
  failure: StreamFailure | undefined;
  #loss: StreamFailure | undefined;

  constructor(
    readonly loop: Loop,
    readonly arena: Arena,
    readonly fd: number,
    owner: StreamOwner,
    state: "connecting" | "open",
    tls?: TlsSession,
  ) {
    this.owner = owner;
    this.tls = tls;
    this.#state = state === "connecting" ? CONNECTING : tls === undefined ? OPEN : HANDSHAKING;
    this.#interest = this.#state === CONNECTING ? EPOLLOUT : EPOLLIN;
    loop.add(fd, this.#interest, this);
  }

  /** Turns an open plain connection, of which nothing has been read, into a TLS one; `handshake` begins it. */
  secure(session: TlsSession): this {
    this.tls = session;
    this.#state = HANDSHAKING;
    return this;
  }

  /** Takes the handshake as far as it goes now; the owner is told when it is done. */
  handshake(): void {
    if (this.#state === HANDSHAKING) this.#takeHandshakeStep();
  }

  /** Of the proxy's own, not of those that it serves. */
  isControl = false;

  get activity(): number {
    return this.isControl ? Activity.ControlConnection : Activity.Connection;
  }

  /**
   * The time to connect is over. A connection that the system has made meanwhile, of which a busy loop has only not
   * heard yet, is taken as made.
   */
  connectTimedOut(): void {
    if (this.#state === CONNECTING && peerAddress(this.fd) !== undefined) this.#connected();
    if (this.#state >= OPEN || (this.#state === HANDSHAKING && this.#isLateHandshake())) return;
    this.fail({ code: "connect-timeout", detail: "connect: timed out", errno: 0 });
  }

  /** The peer has said something that the handshake waits for: it is slow because we are. */
  #isLateHandshake(): boolean {
    this.#handshake();
    return this.#state >= OPEN;
  }

  get isOpen(): boolean {
    return this.#state === OPEN;
  }

  get isClosed(): boolean {
    return this.#state === CLOSED;
  }

  /** Bytes wait to be written: the owner must not read its other side now. */
  get isBlocked(): boolean {
    return this.#pendingEnd !== this.#pendingStart || this.#state < OPEN;
  }

  #setInterest(interest: number): void {
    if (interest === this.#interest || this.#state === CLOSED) return;
    this.#interest = interest;
    this.loop.modify(this.fd, interest);
  }

  #refreshInterest(): void {
    if (this.#state === CONNECTING) return this.#setInterest(EPOLLOUT);
    let interest = this.#isPaused || this.isReadEnded ? 0 : EPOLLIN;
    if (this.#pendingEnd !== this.#pendingStart || this.#wantsWriteToRead || this.#isSendBlocked) {
      interest |= EPOLLOUT;
    }
    this.#setInterest(interest);
  }

  /** Stops telling of readable bytes: the kernel's window closes and the sender waits. */
  pause(): void {
    if (this.#isPaused) return;
    this.#isPaused = true;
    if (this.#state >= OPEN) this.#refreshInterest();
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    if (this.#state !== OPEN) return;
    this.#refreshInterest();
    if (this.tls !== undefined && this.tls.hasPending()) this.readAgain();
  }

  /** Has the owner asked again in the next turn: bytes may wait inside OpenSSL, of which epoll knows nothing. */
  readAgain(): void {
    this.loop.defer(() => {
      if (this.#state === OPEN && !this.#isPaused && !this.isReadEnded) this.owner.onReadable(this);
    });
  }

  onEvents(events: number): void {
    if (this.#state === CONNECTING) return this.#connected();
    if (this.#state === HANDSHAKING) return this.#takeHandshakeStep();
    if (events & EPOLLOUT) {
      this.#wantsWriteToRead = false;
      if (!this.#flush()) return;
    }
    if (events & (EPOLLIN | EPOLLRDHUP)) {
      if (!this.#isPaused && !this.isReadEnded) this.owner.onReadable(this);
    } else if (events & (EPOLLERR | EPOLLHUP)) {
      const number = socketError(this.fd);
      // Both sides have said their end, and something may still wait to be read here: told once, not in every turn.
      if (number === 0) return this.#setInterest(EPOLLET);
      const loss = resetBy("connection lost", number);
      if (!this.owner.hearsOut || this.tls !== undefined) return this.fail(loss);
      this.#loss ??= loss;
      this.#setInterest(EPOLLET);
    }
  }

  /** How what was written was lost, whatever end was read; undefined when nothing is known to be lost. */
  get loss(): StreamFailure | undefined {
    if (this.#loss !== undefined || this.#state === CLOSED) return this.#loss;
    const number = socketError(this.fd);
    if (number !== 0) this.#loss = resetBy("connection lost after its end", number);
    return this.#loss;
  }

  /** A write was lost. */
  get isLost(): boolean {
    return this.#loss !== undefined;
  }

  onFault(error: unknown): void {
    this.fail({ code: "fault", detail: `internal fault: ${error}`, errno: 0 });
  }

  #connected(): void {
    const number = socketError(this.fd);
    if (number !== 0) {
      return this.fail({ code: "connect", detail: `connect: ${errnoName(number)}`, errno: number });
    }
    if (this.tls !== undefined) {
      this.#state = HANDSHAKING;
      this.#setInterest(EPOLLIN);
      return this.#handshake();
    }
    this.#opened();
  }

  /** Goes on with the handshake when it is its turn. */
  #takeHandshakeStep(): void {
    if (this.#isHandshakeQueued) return;
    const isNow = this.loop.handshakes.take(() => {
      this.#isHandshakeQueued = false;
      if (this.#state === HANDSHAKING) this.#handshake();
    });
    if (isNow) return this.#handshake();
    this.#isHandshakeQueued = true;
    this.#setInterest(0); // what is ready would be told again and again meanwhile
  }

  #handshake(): void {
    const answer = this.tls!.handshake();
    if (answer === 1) return this.#opened();
    if (answer === WANT_READ) return this.#setInterest(EPOLLIN);
    if (answer === WANT_WRITE) return this.#setInterest(EPOLLOUT);
    this.fail({ code: "tls", detail: this.tls!.failure || "the peer ended the handshake", errno: 0 });
  }

  #opened(): void {
    this.#state = OPEN;
    this.owner.onOpen(this);
    if (this.#state !== OPEN) return;
    if (this.#pendingEnd !== this.#pendingStart && !this.#flush()) return;
    this.#refreshInterest();
    if (this.#state === OPEN && this.tls?.hasPending()) this.readAgain();
  }

  /**
   * Reads up to `length` bytes to `at`.
   * @returns bytes; 0 at the end; AGAIN; or FAILED (the owner has not been told: it is the caller)
   */
  read(at: number, length: number): number {
    const pointer = this.arena.receivePointer(at, length);
    let count: number;
    if (this.tls === undefined) {
      count = receive(this.fd, pointer, length);
      if (count < 0) {
        if (count === -EAGAIN || count === -EINTR) return AGAIN;
        this.#close(resetBy("read", -count));
        return FAILED;
      }
    } else {
      count = this.tls.read(pointer, length);
      if (count < 0) {
        if (count === WANT_READ) return AGAIN;
        if (count === WANT_WRITE) {
          this.#wantsWriteToRead = true;
          this.#refreshInterest();
          return AGAIN;
        }
        this.#close({ code: "reset", detail: `read: ${this.tls.failure}`, errno: 0 });
        return FAILED;
      }
    }
    return this.#took(count);
  }

  #took(count: number): number {
    if (count === 0) {
      this.isReadEnded = true;
      this.#refreshInterest();
    }
    this.counters.readBytes += count;
    return count;
  }

  /** As `read`, into an empty pipe. Plain connections only. */
  readToPipe(pipe: number, length: number): number {
    const count = splice(this.fd, pipe, length);
    if (count >= 0) return this.#took(count);
    if (count === -EAGAIN || count === -EINTR) return AGAIN;
    this.#close(resetBy("read", -count));
    return FAILED;
  }

  /** Sends `length` bytes from `at`. @returns how many went; or FAILED */
  #send(at: number, length: number): number {
    const pointer = this.arena.receivePointer(at, length);
    if (this.tls === undefined) {
      const count = send(this.fd, pointer, length);
      if (count >= 0) return count;
      if (count === -EAGAIN || count === -EINTR) return 0;
      return this.#writeFailed(-count, this.owner.hearsOut ? length : FAILED);
    }
    let sent = 0;
    while (sent < length) { // OpenSSL takes one record (16 KiB) a call
      const count = this.tls.write(
        sent === 0 ? pointer : this.arena.memory.pointer(at + sent, length - sent),
        length - sent,
      );
      if (count > 0) sent += count;
      else if (count === WANT_WRITE || count === WANT_READ) break;
      else {
        const detail = count === TLS_FAILED ? this.tls.failure : "the peer has closed";
        this.#close({ code: "reset", detail: `write: ${detail}`, errno: 0 });
        return FAILED;
      }
    }
    return sent;
  }

  /** @param answer when it was reset: what to answer; FAILED: it is closed */
  #writeFailed(errno: number, answer = FAILED): number {
    const failure = resetBy("write", errno), isReset = errno === EPIPE || errno === ECONNRESET;
    if (isReset && answer !== FAILED) this.#loss ??= failure;
    else this.#close(isReset ? failure : { ...failure, code: "io" });
    return isReset ? answer : FAILED;
  }

  /**
   * Writes bytes of linear memory; what is not taken at once is copied and waits (`isBlocked`).
   * @returns false when the connection failed: the owner has not been told, it is the caller
   */
  write(at: number, length: number): boolean {
    if (this.#state === CLOSED) return false;
    this.counters.writtenBytes += length;
    let sent = 0;
    if (this.#state === OPEN && this.#pendingEnd === this.#pendingStart) {
      sent = this.#send(at, length);
      if (sent < 0) return false;
      if (sent === length) return true;
    }
    return this.#keep(at + sent, length - sent);
  }

  /**
   * Sends what the system takes now, for owners that keep the rest themselves; when it is less than all, `onDrained`
   * tells when to go on.
   * @returns bytes taken; or FAILED (the owner has not been told: it is the caller)
   */
  send(at: number, length: number): number {
    if (this.#state === CLOSED) return FAILED;
    if (this.#state !== OPEN || this.#pendingEnd !== this.#pendingStart) return 0;
    return this.#gave(this.#send(at, length), length);
  }

  #gave(sent: number, length: number): number {
    if (sent < 0) return FAILED;
    this.counters.writtenBytes += sent;
    if (sent < length) {
      this.#isSendBlocked = true;
      this.#refreshInterest();
    }
    return sent;
  }

  /** As `send`, out of a pipe. Plain connections only. */
  sendFromPipe(pipe: number, length: number): number {
    if (this.#state === CLOSED) return FAILED;
    if (this.#state !== OPEN || this.#pendingEnd !== this.#pendingStart) return 0;
    const count = splice(pipe, this.fd, length);
    if (count >= 0) return this.#gave(count, length);
    if (count === -EAGAIN || count === -EINTR) return this.#gave(0, length);
    return this.#writeFailed(-count);
  }

  #keep(at: number, length: number): boolean {
    if (!this.#makeRoom(length)) return false;
    this.arena.wasm.copyBytes(this.#pendingEnd, at, length);
    this.#pendingEnd += length;
    this.#refreshInterest();
    return true;
  }

  /** Sees to a slot with room for `length` more bytes. @returns false when there is none: the connection is closed */
  #makeRoom(length: number): boolean {
    const { slots, wasm } = this.arena, pending = this.#pendingEnd - this.#pendingStart, old = this.#slot;
    if (old !== 0 && this.#pendingEnd + length <= old + slots.sizeOf(old)) return true;
    let slot = old;
    if (old === 0 || pending + length > slots.sizeOf(old)) {
      slot = pending + length > SLOT_SIZE ? 0 : slots.take(pending + length);
      if (slot === 0) {
        this.#close({ code: "memory", detail: "no buffer is left for bytes that wait", errno: 0 });
        return false;
      }
    }
    if (pending > 0) wasm.copyBytes(slot, this.#pendingStart, pending);
    if (old !== 0 && slot !== old) slots.give(old);
    this.#slot = this.#pendingStart = slot;
    this.#pendingEnd = slot + pending;
    return true;
  }

  /** @returns false when the connection is gone */
  #flush(): boolean {
    const wasSendBlocked = this.#isSendBlocked;
    this.#isSendBlocked = false;
    if (this.#slot === 0) {
      this.#refreshInterest();
      if (wasSendBlocked) this.owner.onDrained(this);
      return this.#state !== CLOSED;
    }
    const sent = this.#send(this.#pendingStart, this.#pendingEnd - this.#pendingStart);
    if (sent < 0) {
      this.owner.onFailed(this, this.failure!);
      return false;
    }
    this.#pendingStart += sent;
    if (this.#pendingStart !== this.#pendingEnd) return true;
    this.#giveSlot();
    this.#refreshInterest();
    if (this.#isShutdownPending) this.#shutdown();
    this.owner.onDrained(this);
    return this.#state !== CLOSED;
  }

  #giveSlot(): void {
    if (this.#slot !== 0) this.arena.slots.give(this.#slot);
    this.#slot = this.#pendingStart = this.#pendingEnd = 0;
  }

  #shutdown(): void {
    this.#isShutdownPending = false;
    this.tls?.closeNotify();
    shutdown(this.fd, 1);
  }

  /** Says that no more bytes will be written (half-close), once what waits has gone. */
  endWriting(): void {
    if (this.#state === CLOSED) return;
    if (this.isBlocked) this.#isShutdownPending = true;
    else this.#shutdown();
  }

  /** Closes at once, in an orderly way; bytes that wait are lost. Safe to call twice. */
  close(): void {
    if (this.#state === CLOSED) return;
    if (this.#state === OPEN) this.tls?.closeNotify();
    this.#release();
  }

  /** Closes so that the peer learns that bytes were lost (RST). */
  abort(): void {
    if (this.#state === CLOSED) return;
    setAbortOnClose(this.fd);
    this.#release();
  }

  #close(failure: StreamFailure): void {
    this.failure = failure;
    this.#release();
  }

  /** Closes, and tells the owner why. */
  fail(failure: StreamFailure): void {
    if (this.#state === CLOSED) return;
    this.#close(failure);
    this.owner.onFailed(this, failure);
  }

  #release(): void {
    this.#state = CLOSED;
    this.#giveSlot();
    this.loop.forget(this.fd);
    this.tls?.free();
    close(this.fd);
  }
}
