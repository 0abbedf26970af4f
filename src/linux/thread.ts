/** Threads of this process, as the kernel knows them. Source: gettid(2), tgkill(2). */
import { errno, ESRCH } from "./errno.ts";

/** Opened by the first who asks: a process of one thread pays nothing. */
const library = () =>
  Deno.dlopen("libc.so.6", {
    gettid: { parameters: [], result: "i32" },
    getpid: { parameters: [], result: "i32" },
    tgkill: { parameters: ["i32", "i32", "i32"], result: "i32" },
  }).symbols;
let opened: ReturnType<typeof library> | undefined;

/** The calling thread. */
export function threadId(): number {
  return (opened ??= library()).gettid();
}

/** Whether a thread of this process still exists. */
export function isThreadAlive(id: number): boolean {
  const symbols = opened ??= library();
  return symbols.tgkill(symbols.getpid(), id, 0) === 0 || errno() !== ESRCH;
}
