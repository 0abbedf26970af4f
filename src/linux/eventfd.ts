/** A counter that wakes an epoll loop from another thread. Source: eventfd(2). */
import { errno, SystemError } from "./errno.ts";
import { LinearMemory } from "./memory.ts";

const symbols = Deno.dlopen("libc.so.6", {
  eventfd: { parameters: ["u32", "i32"], result: "i32" },
  read: { parameters: ["i32", "pointer", "i32"], result: "i32" },
  write: { parameters: ["i32", "pointer", "i32"], result: "i32" },
}).symbols;

const memory = new LinearMemory(new ArrayBuffer(4096));
const pointer = memory.pointer(0, 16);

/** A new non-blocking counter at 0. */
export function createEventfd(): number {
  const fd = symbols.eventfd(0, 0o4000 | 0o2000000);
  if (fd < 0) throw new SystemError("eventfd", errno());
  return fd;
}

/** Adds one: whoever waits for the counter wakes up. */
export function notify(fd: number): void {
  memory.words[0] = 1;
  memory.words[1] = 0;
  symbols.write(fd, pointer, 8);
}

/** Takes the counter back to 0. */
export function drain(fd: number): void {
  symbols.read(fd, pointer, 8);
}
