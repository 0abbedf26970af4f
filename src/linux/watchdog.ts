/**
 * Proof from outside that loops turn. A timer's signal comes every `periodMs` whatever the threads do; its handler, a
 * few dozen machine instructions, looks at each loop's count of turns. A loop that has not turned for `misses` periods
 * is named on stderr with what it was doing, and the process ends.
 *
 * Why machine code: what is stuck cannot run JavaScript, and a thread that could costs 10 MB. This costs two pages.
 * Periods are counted by the signals that arrive, so a process that was stopped (SIGSTOP, a frozen cgroup) finds one
 * of them when it goes on, not a verdict.
 *
 * Source: signal-safety(7), setitimer(2), sigaction(2), writev(2).
 */
import { errno, SystemError } from "./errno.ts";
import { LinearMemory } from "./memory.ts";

/** What a loop writes into its record, as words; the others are the handler's. */
export const Record = { Turns: 0, Activity: 1, Descriptor: 2, IsWatched: 5 } as const;

/** Activities from here on have a descriptor, which is told; those below have none. */
export const FIRST_WITH_DESCRIPTOR = 8;

export const MAX_LOOPS = 32, MAX_ACTIVITIES = 16;

const SIGALRM = 14, ITIMER_REAL = 0, PAGE = 4096n, PROT_READ = 1, PROT_WRITE = 2, PROT_EXEC = 4;
const MAP_PRIVATE = 2, MAP_ANONYMOUS = 32, SA_ONSTACK = 0x08000000, SA_RESTART = 0x10000000;
const FLAGS_AT = 8 + 128, SIGACTION_SIZE = FLAGS_AT + 16;
/** The data page, as the handler knows it; offsets are part of its code. */
const RECORDS_AT = 0x40, RECORD_SIZE = 32, MESSAGE_AT = 0x440, LOOPS_AT = 0x500, ACTIVITIES_AT = 0x700;
const DIGITS_END = 0x80f, TEXTS_AT = 0x840;

/**
 * `void handler(int)`: for each record with IsWatched: turns moved since last time? forget the misses; else count one,
 * and at the limit: message[1] = the loop's name, message[3] = the activity, message[4] = the descriptor in digits;
 * writev(2, message, 4 or 5); exit_group(code). The data page's address is set in.
 */
const X86_64 = "53 48bb" + "8877665544332211" + // push rbx; mov rbx, DATA
  "8b4b04 488d7340 4531c0" + // ecx = count; rsi = records; r8d = 0
  "4139c8 732c 837e1400 741d" + // scan: r8d >= ecx → done; not watched → next
  "8b06 3b460c 750c" + // eax = turns; != seen → moved
  "ff4610 8b4610 3b03 7317 eb0a" + // ++misses >= limit → stuck; → next
  "89460c c7461000000000" + // moved: seen = turns; misses = 0
  "4883c620 41ffc0 ebcf" + // next: rsi += 32; r8d++; → scan
  "5b c3" + // done: pop rbx; ret
  "41c1e004 420f10840300050000 0f118350040000" + // stuck: message[1] = loops[r8d]
  "448b4e04 4183e10f 4489c8 c1e004 0f10840300070000 0f118370040000" + // r9d = activity; message[3] = activities[r9d]
  "8b4608 488dbb0f080000 b90a000000" + // eax = descriptor; rdi = end of digits
  "31d2 f7f1 80c230 48ffcf 8817 85c0 75f0" + // digits, last first
  "4889bb80040000 488d8310080000 4829f8 48898388040000" + // message[4] = digits and the line feed
  "4489ca c1ea03 83c204 b814000000 bf02000000 488db340040000 0f05" + // writev(2, message, 4 + (activity >> 3))
  "b8e7000000 8b7b08 0f05"; // exit_group(code)
const X86_64_ADDRESS_AT = 3;

const AARCH64 = "09f18ed2 c9acaaf2 8968c6f2 4924e2f2" + // x9 = DATA
  "2a0540b9 2b010191 0c008052" + // w10 = count; x11 = records; w12 = 0
  "9f010a6b 62020054 6d1540b9 cd010034" + // scan: w12 >= w10 → done; not watched → next
  "6d0140b9 6e0d40b9 bf010e6b 01010054" + // w13 = turns; != seen → moved
  "6d1140b9 ad050011 6d1100b9 2e0140b9 bf010e6b 02010054 03000014" + // ++misses >= limit → stuck; → next
  "6d0d00b9 7f1100b9" + // moved: seen = turns; misses = 0
  "6b810091 8c050011 edffff17" + // next: x11 += 32; w12++; → scan
  "c0035fd6" + // done: ret
  "2e011491 ce512c8b cf4140a9 2f2902f9 302d02f9" + // stuck: message[1] = loops[w12]
  "6c0540b9 8c0d0012 2e011c91 ce512c8b cf4140a9 2f3902f9 303d02f9" + // w12 = activity; message[3] = activities[w12]
  "6d0940b9 2e3d2091 4f018052" + // w13 = descriptor; x14 = end of digits
  "b009cf1a 11b60f1b 31c20011 d1fd1f38 ed03102a 6dffff35" + // digits, last first
  "2e4102f9 2f412091 ef010ecb 2f4502f9" + // message[4] = digits and the line feed
  "827d0353 42100011 400080d2 21011191 480880d2 010000d4" + // writev(2, message, 4 + (activity >> 3))
  "200940b9 c80b80d2 010000d4"; // exit_group(code)

const library = () => ({
  memory: new LinearMemory(new ArrayBuffer(4096)),
  symbols: Deno.dlopen("libc.so.6", {
    mmap: { parameters: ["pointer", "usize", "i32", "i32", "i32", "i64"], result: "pointer" },
    mprotect: { parameters: ["pointer", "usize", "i32"], result: "i32" },
    sigaction: { parameters: ["i32", "pointer", "pointer"], result: "i32" },
    setitimer: { parameters: ["i32", "pointer", "pointer"], result: "i32" },
  }).symbols,
});

/** The handler's code for a data page at `address`. */
export function handlerCode(arch: typeof Deno.build.arch, address: bigint): Uint8Array<ArrayBuffer> {
  const code = Uint8Array.fromHex((arch === "x86_64" ? X86_64 : AARCH64).replaceAll(" ", ""));
  const view = new DataView(code.buffer);
  if (arch === "x86_64") view.setBigUint64(X86_64_ADDRESS_AT, address, true);
  else {
    for (let i = 0; i < 4; i++) { // movz and three movk: 16 bits each, from bit 5 of the instruction
      const half = Number(address >> BigInt(16 * i) & 0xffffn);
      view.setUint32(4 * i, (view.getUint32(4 * i, true) & ~(0xffff << 5) | half << 5) >>> 0, true);
    }
  }
  return code;
}

export interface WatchdogOptions {
  /** A loop that does not turn for `misses` signals, `periodMs` apart, ends the process. */
  readonly periodMs: number;
  readonly misses: number;
  readonly exitCode: number;
  /** What loops are called in the message; the index is their record's. */
  readonly loops: readonly string[];
  /** What a loop may be doing, by the number in its record. */
  readonly activities: Readonly<Record<number, string>>;
}

/** Fills the data page: texts, and the pieces of the message that point to them. */
export function layOut(page: DataView<ArrayBuffer>, address: bigint, options: WatchdogOptions): void {
  let at = TEXTS_AT;
  const piece = (slot: number, text: string) => {
    const bytes = new TextEncoder().encode(text);
    if (at + bytes.length > page.byteLength) {
      throw new RangeError("watchdog: the texts do not fit their page");
    }
    new Uint8Array(page.buffer, page.byteOffset + at, bytes.length).set(bytes);
    page.setBigUint64(slot, address + BigInt(at), true);
    page.setBigUint64(slot + 8, BigInt(bytes.length), true);
    at += bytes.length;
  };
  page.setUint32(0, options.misses, true);
  page.setUint32(4, options.loops.length, true);
  page.setUint32(8, options.exitCode, true);
  piece(MESSAGE_AT, "watchdog: ");
  piece(MESSAGE_AT + 32, ` has not turned for ${options.periodMs * options.misses / 1000} s, while `);
  options.loops.forEach((name, index) => piece(LOOPS_AT + 16 * index, name));
  for (let activity = 0; activity < MAX_ACTIVITIES; activity++) {
    const text = options.activities[activity] ?? "doing something without a name";
    piece(
      ACTIVITIES_AT + 16 * activity,
      activity < FIRST_WITH_DESCRIPTOR
        ? `${text}; the process ends\n`
        : `${text}; the process ends; descriptor `,
    );
  }
  page.setUint8(DIGITS_END, 10);
}

/** The record of a loop in a data page of this process, from any of its threads. */
export function recordAt(address: bigint, index: number): Int32Array<ArrayBuffer> {
  const pointer = Deno.UnsafePointer.create(address + BigInt(RECORDS_AT + index * RECORD_SIZE));
  if (pointer === null) throw new RangeError("watchdog: no page");
  return new Int32Array(Deno.UnsafePointerView.getArrayBuffer(pointer, RECORD_SIZE));
}

function mapPage(symbols: ReturnType<typeof library>["symbols"]): Deno.PointerObject {
  const page = symbols.mmap(null, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0n);
  if (page === null || Deno.UnsafePointer.value(page) === 2n ** 64n - 1n) {
    throw new SystemError("mmap", errno());
  }
  return page;
}

/**
 * Starts watching; a loop is looked at once its record says IsWatched.
 * @returns the address of the data page, for `recordAt`
 * @throws SystemError, e.g. where the system forbids executable memory (which V8 needs too)
 */
export function startWatchdog(options: WatchdogOptions): bigint {
  if (options.loops.length > MAX_LOOPS) throw new RangeError(`watchdog: more than ${MAX_LOOPS} loops`);
  const { memory, symbols } = library();
  const data = mapPage(symbols), address = BigInt(Deno.UnsafePointer.value(data));
  const bytes = Deno.UnsafePointerView.getArrayBuffer(data, Number(PAGE));
  layOut(new DataView(bytes), address, options);
  const code = mapPage(symbols);
  new Uint8Array(Deno.UnsafePointerView.getArrayBuffer(code, Number(PAGE)))
    .set(handlerCode(Deno.build.arch, address));
  if (symbols.mprotect(code, PAGE, PROT_READ | PROT_EXEC) < 0) throw new SystemError("mprotect", errno());
  memory.view.setBigUint64(0, BigInt(Deno.UnsafePointer.value(code)), true);
  memory.view.setUint32(FLAGS_AT, SA_ONSTACK | SA_RESTART, true);
  if (symbols.sigaction(SIGALRM, memory.pointer(0, SIGACTION_SIZE), null) < 0) {
    throw new SystemError("sigaction", errno(), "SIGALRM");
  }
  const seconds = BigInt(Math.floor(options.periodMs / 1000)),
    micros = BigInt(options.periodMs % 1000 * 1000);
  [seconds, micros, seconds, micros].forEach((part, i) => memory.view.setBigInt64(512 + 8 * i, part, true));
  if (symbols.setitimer(ITIMER_REAL, memory.pointer(512, 32), null) < 0) {
    throw new SystemError("setitimer", errno());
  }
  return address;
}
