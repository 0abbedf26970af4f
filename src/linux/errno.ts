/**
 * Error numbers of the C library: reading the last one, and the names people search for.
 * Source: errno(3), asm-generic/errno.h.
 */
const symbols = Deno.dlopen("libc.so.6", {
  __errno_location: { parameters: [], result: "pointer" },
}).symbols;

export const EPERM = 1,
  ENOENT = 2,
  EINTR = 4,
  EAGAIN = 11,
  EACCES = 13,
  EEXIST = 17,
  EINVAL = 22,
  EMFILE = 24;
export const EPIPE = 32,
  EADDRINUSE = 98,
  ENETUNREACH = 101,
  ECONNABORTED = 103,
  ECONNRESET = 104,
  ENOTCONN = 107;
export const ETIMEDOUT = 110,
  ECONNREFUSED = 111,
  EHOSTUNREACH = 113,
  EINPROGRESS = 115,
  ENFILE = 23,
  ENOMEM = 12;
export const ESRCH = 3, EBUSY = 16, ENODEV = 19, EOPNOTSUPP = 95;

const NAMES: Readonly<Record<number, string>> = {
  [EPERM]: "EPERM",
  [ENOENT]: "ENOENT",
  [EINTR]: "EINTR",
  [EAGAIN]: "EAGAIN",
  [ENOMEM]: "ENOMEM",
  [EACCES]: "EACCES",
  [EEXIST]: "EEXIST",
  [EINVAL]: "EINVAL",
  [ENFILE]: "ENFILE",
  [EMFILE]: "EMFILE",
  [EPIPE]: "EPIPE",
  [EADDRINUSE]: "EADDRINUSE",
  [ENETUNREACH]: "ENETUNREACH",
  [ECONNABORTED]: "ECONNABORTED",
  [ECONNRESET]: "ECONNRESET",
  [ENOTCONN]: "ENOTCONN",
  [ETIMEDOUT]: "ETIMEDOUT",
  [ECONNREFUSED]: "ECONNREFUSED",
  [EHOSTUNREACH]: "EHOSTUNREACH",
  [EINPROGRESS]: "EINPROGRESS",
  [ESRCH]: "ESRCH",
  [EBUSY]: "EBUSY",
  [ENODEV]: "ENODEV",
  [EOPNOTSUPP]: "EOPNOTSUPP",
};

/** A thread's errno never moves, and each isolate stays on its thread: one view is enough. */
let view: Deno.UnsafePointerView | undefined;

/** The error number of the last failed call on this thread. Read it at once: the next call may change it. */
export function errno(): number {
  if (view === undefined) {
    const location = symbols.__errno_location();
    if (location === null) throw new Error("the C library gives no errno");
    view = new Deno.UnsafePointerView(location);
  }
  return view.getInt32();
}

/** `ECONNREFUSED` for 111; `errno 999` for what has no name here. */
export function errnoName(number: number): string {
  return NAMES[number] ?? `errno ${number}`;
}

/** A system call that failed: what was tried, and the error's name and number. */
export class SystemError extends Error {
  override readonly name = "SystemError";
  constructor(readonly call: string, readonly number: number, readonly context = "") {
    super(`${call}${context && ` ${context}`}: ${errnoName(number)}`);
  }
}
