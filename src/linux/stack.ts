/**
 * The stack of the calling thread. Starting a program takes hundreds of kilobytes of it, which stay with the process
 * although nothing will ever look at them again: what lies below the stack pointer is nobody's.
 *
 * Source: getcontext(3), whose record tells the stack pointer; pthread_getattr_np(3); madvise(2).
 */
import { LinearMemory } from "./memory.ts";
import { rare } from "./rare_call.ts";

const MADV_DONTNEED = 4, PAGE = 4096n;
/** Below the stack pointer of now: what the calls made here take, and a good deal more. */
const MARGIN = 65536n;
/** Where ucontext_t keeps the stack pointer (glibc), by architecture. */
const STACK_POINTER_AT = { x86_64: 160, aarch64: 432 }[Deno.build.arch];
const CONTEXT_SIZE = 8192, ATTRIBUTES_SIZE = 64;

const library = () => ({
  memory: new LinearMemory(new ArrayBuffer(CONTEXT_SIZE)),
  symbols: Deno.dlopen("libc.so.6", {
    getcontext: rare(["pointer"], "i32"),
    madvise: rare(["usize", "usize", "i32"], "i32"),
    pthread_self: rare([], "usize"),
    pthread_getattr_np: rare(["usize", "pointer"], "i32"),
    pthread_attr_getstack: rare(["pointer", "pointer", "pointer"], "i32"),
    pthread_attr_destroy: rare(["pointer"], "i32"),
  }).symbols,
});
let opened: (ReturnType<typeof library> & { readonly lowest: bigint }) | undefined;

function open() {
  const { memory, symbols } = library();
  const attributes = memory.pointer(0, ATTRIBUTES_SIZE);
  let lowest = 0n;
  if (symbols.pthread_getattr_np(symbols.pthread_self(), attributes) === 0) {
    const at = ATTRIBUTES_SIZE, length = at + 8;
    if (symbols.pthread_attr_getstack(attributes, memory.pointer(at, 8), memory.pointer(length, 8)) === 0) {
      lowest = memory.view.getBigUint64(at, true);
    }
    symbols.pthread_attr_destroy(attributes);
  }
  return { memory, symbols, lowest };
}

/** The stack pointer, as a call made from here sees it. 0n where it is not known how to read it. */
function stackPointer(): bigint {
  const { memory, symbols } = opened ??= open();
  if (STACK_POINTER_AT === undefined) return 0n;
  return symbols.getcontext(memory.pointer(0, CONTEXT_SIZE)) === 0
    ? memory.view.getBigUint64(STACK_POINTER_AT, true)
    : 0n;
}

/**
 * Gives the pages below the stack that is in use back to the system.
 * @returns the address below which they lay; 0n when this thread's stack is not known, and nothing was done
 */
export function trimStack(): bigint {
  const { symbols, lowest } = opened ??= open();
  const end = (stackPointer() - MARGIN) / PAGE * PAGE;
  if (lowest === 0n || end <= lowest) return 0n;
  // ENOMEM is no failure: a stack that grows is not mapped down to its end, and what is mapped has been given back.
  symbols.madvise(lowest, end - lowest, MADV_DONTNEED);
  return end;
}
