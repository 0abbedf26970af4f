/**
 * Bytes moved from socket to socket inside the kernel, through a pipe: they never enter this process.
 * Source: splice(2), pipe(7).
 */
import { errno, SystemError } from "./errno.ts";
import { LinearMemory } from "./memory.ts";

const symbols = Deno.dlopen("libc.so.6", {
  pipe2: { parameters: ["pointer", "i32"], result: "i32" },
  splice: { parameters: ["i32", "pointer", "i32", "pointer", "i32", "u32"], result: "i32" },
  fcntl: { parameters: ["i32", "i32", "i32"], result: "i32" },
}).symbols;

const O_NONBLOCK = 0o4000, O_CLOEXEC = 0o2000000, F_SETPIPE_SZ = 1031;
const SPLICE_F_MOVE = 1, SPLICE_F_NONBLOCK = 2, SPLICE_F_MORE = 4;
const memory = new LinearMemory(new ArrayBuffer(4096));
const PAIR = memory.pointer(0, 8);

/** A non-blocking pipe. @throws SystemError, e.g. EMFILE */
export function createPipe(): [reading: number, writing: number] {
  if (symbols.pipe2(PAIR, O_NONBLOCK | O_CLOEXEC) < 0) throw new SystemError("pipe2", errno());
  return [memory.words[0]!, memory.words[1]!];
}

/** Asks for a pipe that holds `bytes` (64 KiB unless told). @returns its size now, or −errno (−EPERM past the user's limit) */
export function setPipeSize(fd: number, bytes: number): number {
  const size = symbols.fcntl(fd, F_SETPIPE_SZ, bytes);
  return size >= 0 ? size : -errno();
}

/**
 * Moves up to `length` bytes; one of the two must be a pipe. Never blocks.
 * @param hasMore more follows at once, so the socket may wait to fill a packet
 * @returns bytes moved (0 = end of stream), or −errno (−EAGAIN: nothing to read, or no room)
 */
export function splice(from: number, to: number, length: number, hasMore = false): number {
  const flags = SPLICE_F_MOVE | SPLICE_F_NONBLOCK | (hasMore ? SPLICE_F_MORE : 0);
  const count = symbols.splice(from, null, to, null, length, flags);
  return count >= 0 ? count : -errno();
}
