/**
 * Non-blocking TCP and UDP sockets on file descriptors.
 *
 * Why not Deno.listen/connect: they give no original destination, SO_REUSEPORT, TCP_USER_TIMEOUT, splice or TLS on
 * our own terms, and cost a promise and a copy per read (prototype: 16.5 against 13.1 µs per request).
 *
 * Calls that can fail in ordinary traffic return a negative errno; set-up calls throw SystemError.
 * Source: socket(7), ip(7), tcp(7); SO_ORIGINAL_DST from linux/netfilter_ipv4.h.
 */
import {
  AF_INET,
  AF_INET6,
  readSockaddr,
  SOCKADDR_SIZE,
  type SocketAddress,
  writeSockaddr,
} from "./address.ts";
import { EINPROGRESS, ENOENT, errno, SystemError } from "./errno.ts";
import { LinearMemory } from "./memory.ts";

const symbols = Deno.dlopen("libc.so.6", {
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  setsockopt: { parameters: ["i32", "i32", "i32", "pointer", "i32"], result: "i32" },
  getsockopt: { parameters: ["i32", "i32", "i32", "pointer", "pointer"], result: "i32" },
  bind: { parameters: ["i32", "pointer", "i32"], result: "i32" },
  listen: { parameters: ["i32", "i32"], result: "i32" },
  connect: { parameters: ["i32", "pointer", "i32"], result: "i32" },
  accept4: { parameters: ["i32", "pointer", "pointer", "i32"], result: "i32" },
  getsockname: { parameters: ["i32", "pointer", "pointer"], result: "i32" },
  getpeername: { parameters: ["i32", "pointer", "pointer"], result: "i32" },
  recv: { parameters: ["i32", "pointer", "i32", "i32"], result: "i32" },
  send: { parameters: ["i32", "pointer", "i32", "i32"], result: "i32" },
  sendto: { parameters: ["i32", "pointer", "i32", "i32", "pointer", "i32"], result: "i32" },
  shutdown: { parameters: ["i32", "i32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
}).symbols;

const SOCK_STREAM = 1, SOCK_DGRAM = 2, SOCK_NONBLOCK = 0o4000, SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1,
  SO_REUSEADDR = 2,
  SO_ERROR = 4,
  SO_KEEPALIVE = 9,
  SO_LINGER = 13,
  SO_REUSEPORT = 15,
  SO_RCVLOWAT = 18;
const SO_MARK = 36,
  IPPROTO_TCP = 6,
  TCP_NODELAY = 1,
  TCP_KEEPIDLE = 4,
  TCP_KEEPINTVL = 5,
  TCP_USER_TIMEOUT = 18;
const SO_ORIGINAL_DST = 80, IPPROTO_IPV6 = 41, IPV6_V6ONLY = 26, MSG_PEEK = 2, MSG_NOSIGNAL = 0x4000;

/** Small arguments of system calls: a page of its own, so that every pointer into it is made once. */
const scratch = new LinearMemory(new ArrayBuffer(4096));
const VALUE = scratch.pointer(0, 4096), LENGTH_AT = 64, ADDRESS_AT = 128;
const LENGTH = scratch.pointer(LENGTH_AT, 4), ADDRESS = scratch.pointer(ADDRESS_AT, SOCKADDR_SIZE);

function newSocket(family: number, type: number): number {
  const fd = symbols.socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) throw new SystemError("socket", errno());
  return fd;
}

function setOption(fd: number, level: number, option: number, value: number): number {
  scratch.view.setInt32(0, value, true);
  return symbols.setsockopt(fd, level, option, VALUE, 4) === 0 ? 0 : -errno();
}

export interface ListenOptions {
  readonly backlog?: number;
  /** Several loops listen on one address and the kernel spreads connections over them. */
  readonly isReusePort?: boolean;
}

/** A listening TCP socket. @throws SystemError, e.g. EADDRINUSE */
export function listenTcp(address: SocketAddress, options: ListenOptions = {}): number {
  const length = writeSockaddr(scratch, ADDRESS_AT, address);
  const fd = newSocket(length === 16 ? AF_INET : AF_INET6, SOCK_STREAM);
  setOption(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  if (options.isReusePort) setOption(fd, SOL_SOCKET, SO_REUSEPORT, 1);
  if (length !== 16) setOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, address.ip === "::" ? 0 : 1);
  if (symbols.bind(fd, ADDRESS, length) < 0 || symbols.listen(fd, options.backlog ?? 4096) < 0) {
    const number = errno();
    symbols.close(fd);
    throw new SystemError("listen", number, `${address.ip}:${address.port}`);
  }
  return fd;
}

/** Accepts one connection. @returns its descriptor, or −errno (−EAGAIN when there is none) */
export function accept(listener: number): number {
  const fd = symbols.accept4(listener, null, null, SOCK_NONBLOCK | SOCK_CLOEXEC);
  return fd >= 0 ? fd : -errno();
}

/**
 * Starts a TCP connection; it is there (or has failed, see socketError) when the socket turns writable.
 * @param mark packet mark that exempts it from redirection; 0 for none
 * @returns the descriptor, or −errno when it failed at once
 */
export function connectTcp(address: SocketAddress, mark = 0): number {
  const length = writeSockaddr(scratch, ADDRESS_AT, address);
  const fd = symbols.socket(
    length === 16 ? AF_INET : AF_INET6,
    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
    0,
  );
  if (fd < 0) return -errno();
  if (mark !== 0) setOption(fd, SOL_SOCKET, SO_MARK, mark);
  if (symbols.connect(fd, ADDRESS, length) < 0) {
    const number = errno();
    if (number !== EINPROGRESS) {
      symbols.close(fd);
      return -number;
    }
  }
  return fd;
}

/** A UDP socket whose peer is `address`: only its answers are received. @returns the descriptor, or −errno */
export function connectUdp(address: SocketAddress, mark = 0): number {
  const length = writeSockaddr(scratch, ADDRESS_AT, address);
  const fd = newSocket(length === 16 ? AF_INET : AF_INET6, SOCK_DGRAM);
  if (mark !== 0) setOption(fd, SOL_SOCKET, SO_MARK, mark);
  if (symbols.connect(fd, ADDRESS, length) < 0) {
    const number = errno();
    symbols.close(fd);
    return -number;
  }
  return fd;
}

/** True when this process may mark packets, which exempts its own connections from redirection (needs CAP_NET_ADMIN or CAP_NET_RAW). */
export function canMark(): boolean {
  const fd = newSocket(AF_INET, SOCK_DGRAM);
  const answer = setOption(fd, SOL_SOCKET, SO_MARK, 1);
  symbols.close(fd);
  return answer === 0;
}

/** Sends small writes at once (every proxied connection wants this). */
export function setNoDelay(fd: number): void {
  setOption(fd, IPPROTO_TCP, TCP_NODELAY, 1);
}

/** TCP keep-alive after `ms` of silence, then every `ms`. */
export function setKeepAlive(fd: number, ms: number): void {
  const seconds = Math.max(1, Math.round(ms / 1000));
  setOption(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  setOption(fd, IPPROTO_TCP, TCP_KEEPIDLE, seconds);
  setOption(fd, IPPROTO_TCP, TCP_KEEPINTVL, seconds);
}

/** Gives a connection up when sent bytes stay unacknowledged for `ms` (RFC 5482). */
export function setUserTimeout(fd: number, ms: number): void {
  setOption(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, ms);
}

/** The socket counts as readable only from `count` bytes on (or at its end): waits for more without reading. */
export function setReceiveLowWater(fd: number, count: number): void {
  setOption(fd, SOL_SOCKET, SO_RCVLOWAT, count);
}

/** Makes the next close send RST instead of FIN, so that the peer learns that bytes were lost. */
export function setAbortOnClose(fd: number): void {
  scratch.view.setInt32(0, 1, true);
  scratch.view.setInt32(4, 0, true);
  symbols.setsockopt(fd, SOL_SOCKET, SO_LINGER, VALUE, 8);
}

/** The pending error of a socket (0 for none): what became of a connect. */
export function socketError(fd: number): number {
  scratch.view.setInt32(LENGTH_AT, 4, true);
  return symbols.getsockopt(fd, SOL_SOCKET, SO_ERROR, VALUE, LENGTH) === 0
    ? scratch.view.getInt32(0, true)
    : errno();
}

/**
 * Where a redirected connection was going before nf_tables or iptables redirected it.
 * @returns undefined when it was not redirected (ENOENT: no connection tracking entry)
 */
export function originalDestination(fd: number, isIPv6 = false): SocketAddress | undefined {
  scratch.view.setInt32(LENGTH_AT, SOCKADDR_SIZE, true);
  const level = isIPv6 ? IPPROTO_IPV6 : 0;
  if (symbols.getsockopt(fd, level, SO_ORIGINAL_DST, ADDRESS, LENGTH) === 0) {
    return readSockaddr(scratch, ADDRESS_AT);
  }
  const number = errno();
  if (number !== ENOENT && !isIPv6) return originalDestination(fd, true);
  return undefined;
}

/** The near end's address. */
export function localAddress(fd: number): SocketAddress | undefined {
  scratch.view.setInt32(LENGTH_AT, SOCKADDR_SIZE, true);
  return symbols.getsockname(fd, ADDRESS, LENGTH) === 0 ? readSockaddr(scratch, ADDRESS_AT) : undefined;
}

/** The far end's address; undefined once it is gone. */
export function peerAddress(fd: number): SocketAddress | undefined {
  scratch.view.setInt32(LENGTH_AT, SOCKADDR_SIZE, true);
  return symbols.getpeername(fd, ADDRESS, LENGTH) === 0 ? readSockaddr(scratch, ADDRESS_AT) : undefined;
}

/** Receives up to `length` bytes. @returns bytes (0 = end of stream), or −errno */
export function receive(fd: number, pointer: Deno.PointerObject, length: number): number {
  const count = symbols.recv(fd, pointer, length, 0);
  return count >= 0 ? count : -errno();
}

/** Like receive, but leaves the bytes in the socket. */
export function peek(fd: number, pointer: Deno.PointerObject, length: number): number {
  const count = symbols.recv(fd, pointer, length, MSG_PEEK);
  return count >= 0 ? count : -errno();
}

/** Sends up to `length` bytes. @returns bytes taken by the kernel, or −errno */
export function send(fd: number, pointer: Deno.PointerObject, length: number): number {
  const count = symbols.send(fd, pointer, length, MSG_NOSIGNAL);
  return count >= 0 ? count : -errno();
}

/** Closes one direction: 0 reading, 1 writing (FIN), 2 both. */
export function shutdown(fd: number, how: 0 | 1 | 2): void {
  symbols.shutdown(fd, how);
}

/** Closes a descriptor. */
export function close(fd: number): void {
  symbols.close(fd);
}
