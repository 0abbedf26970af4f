/** Gives memory back: the engine's heap, and the C library's. Source: malloc_trim(3); V8's --expose-gc. */
const symbols = Deno.dlopen("libc.so.6", {
  malloc_trim: { parameters: ["usize"], result: "i32" },
}).symbols;

/** Gives pages that nothing uses back to the system, of all arenas; well below a millisecond for a small heap. */
export function trimHeap(): void {
  symbols.malloc_trim(0n);
}

/** What --expose-gc puts in the global scope. */
interface Collector {
  (options: { type: "major"; execution: "sync"; flavor: "last-resort" | "regular" }): void;
}

const collector = (globalThis as { gc?: Collector }).gc;

/** A larger heap is that of many connections: a pause of tens of milliseconds would be theirs. */
const SMALL_HEAP_BYTES = 16 * 2 ** 20;

/**
 * Collects all that can be. A small heap as the engine does it before it gives up, in two passes: young generation and
 * free pages are given back too, 1.5 MiB of an idle proxy. Undefined where the engine does not offer it.
 */
export const collectGarbage = collector && (() => {
  const isSmall = Deno.memoryUsage().heapUsed <= SMALL_HEAP_BYTES;
  collector({ type: "major", execution: "sync", flavor: isSmall ? "last-resort" : "regular" });
});
