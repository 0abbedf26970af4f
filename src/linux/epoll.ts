/**
 * Readiness of many descriptors, into linear memory. Source: epoll(7); struct epoll_event is packed on x86-64
 * (12 bytes) and padded elsewhere (16 bytes).
 */
import { errno, SystemError } from "./errno.ts";
import { LinearMemory } from "./memory.ts";

const symbols = Deno.dlopen("libc.so.6", {
  epoll_create1: { parameters: ["i32"], result: "i32" },
  epoll_ctl: { parameters: ["i32", "i32", "i32", "pointer"], result: "i32" },
  epoll_wait: { parameters: ["i32", "pointer", "i32", "i32"], result: "i32" },
}).symbols;

export const EPOLLIN = 1, EPOLLOUT = 4, EPOLLERR = 8, EPOLLHUP = 16, EPOLLRDHUP = 0x2000, EPOLLET = 1 << 31;
const CTL_ADD = 1, CTL_DELETE = 2, CTL_MODIFY = 3, EPOLL_CLOEXEC = 0o2000000;
const EVENT_WORDS = Deno.build.arch === "x86_64" ? 3 : 4;
const DATA_WORD = Deno.build.arch === "x86_64" ? 1 : 2;
const MAX_EVENTS = 340;

/** One epoll instance. Each registration carries two numbers back: the descriptor and a tag that tells reuse apart. */
export class Epoll {
  readonly #fd: number;
  readonly #memory = new LinearMemory(new ArrayBuffer(8192));
  readonly #events = this.#memory.pointer(0, 4096);
  readonly #change = this.#memory.pointer(4096, 4096);

  constructor() {
    this.#fd = symbols.epoll_create1(EPOLL_CLOEXEC);
    if (this.#fd < 0) throw new SystemError("epoll_create1", errno());
  }

  /** The descriptor of the instance itself. */
  get fd(): number {
    return this.#fd;
  }

  #control(operation: number, fd: number, events: number, tag: number): void {
    const { words } = this.#memory;
    words[1024] = events;
    words[1024 + DATA_WORD] = fd;
    words[1024 + DATA_WORD + 1] = tag;
    if (symbols.epoll_ctl(this.#fd, operation, fd, this.#change) < 0) {
      throw new SystemError("epoll_ctl", errno(), `fd ${fd}`);
    }
  }

  add(fd: number, events: number, tag: number): void {
    this.#control(CTL_ADD, fd, events, tag);
  }

  modify(fd: number, events: number, tag: number): void {
    this.#control(CTL_MODIFY, fd, events, tag);
  }

  remove(fd: number): void {
    this.#control(CTL_DELETE, fd, 0, 0);
  }

  /** Waits up to `timeoutMs` (−1: for ever). @returns how many events are ready, or −errno (−EINTR: a signal) */
  wait(timeoutMs: number): number {
    const count = symbols.epoll_wait(this.#fd, this.#events, MAX_EVENTS, timeoutMs);
    return count >= 0 ? count : -errno();
  }

  eventsAt(index: number): number {
    return this.#memory.words[index * EVENT_WORDS]!;
  }

  fdAt(index: number): number {
    return this.#memory.words[index * EVENT_WORDS + DATA_WORD]!;
  }

  tagAt(index: number): number {
    return this.#memory.words[index * EVENT_WORDS + DATA_WORD + 1]!;
  }
}
