/** Two connected sockets of one process: what one thread writes another reads. Source: socketpair(2), poll(2). */
import { EAGAIN, EINTR, errno, SystemError } from "./errno.ts";
import { LinearMemory } from "./memory.ts";

const AF_UNIX = 1, SOCK_STREAM = 1, SOCK_NONBLOCK = 0o4000, SOCK_CLOEXEC = 0o2000000;
const MSG_NOSIGNAL = 0x4000, POLLOUT = 4, CHUNK = 16384, CHUNK_AT = 4096;

/** Opened by the first who asks: a process of one thread pays nothing. */
const library = () => ({
  memory: new LinearMemory(new ArrayBuffer(CHUNK_AT + CHUNK)),
  symbols: Deno.dlopen("libc.so.6", {
    socketpair: { parameters: ["i32", "i32", "i32", "pointer"], result: "i32" },
    send: { parameters: ["i32", "pointer", "i32", "i32"], result: "i32" },
    poll: { parameters: ["pointer", "u32", "i32"], result: "i32" },
  }).symbols,
});
let opened: ReturnType<typeof library> | undefined;

/** A pair of non-blocking stream sockets. @throws SystemError, e.g. EMFILE */
export function createSocketPair(): [number, number] {
  const { memory, symbols } = opened ??= library();
  const type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
  if (symbols.socketpair(AF_UNIX, type, 0, memory.pointer(0, 8)) < 0) {
    throw new SystemError("socketpair", errno());
  }
  return [memory.words[0]!, memory.words[1]!];
}

/**
 * Sends all of `bytes`, waiting for room: for the last words of a thread whose loop is over.
 * @returns false when the other end is gone, or took nothing for `timeoutMs`
 */
export function sendAll(fd: number, bytes: Uint8Array, timeoutMs: number): boolean {
  const { memory, symbols } = opened ??= library();
  for (let at = 0; at < bytes.length;) {
    const part = bytes.subarray(at, at + CHUNK);
    memory.bytes.set(part, CHUNK_AT);
    const count = symbols.send(fd, memory.pointer(CHUNK_AT, part.length), part.length, MSG_NOSIGNAL);
    if (count >= 0) {
      at += count;
      continue;
    }
    const number = errno();
    if (number === EINTR) continue;
    if (number !== EAGAIN) return false;
    memory.words[0] = fd;
    memory.words[1] = POLLOUT;
    if (symbols.poll(memory.pointer(0, 8), 1, timeoutMs) === 0) return false;
  }
  return true;
}
