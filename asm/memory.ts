/** The first byte that the module's own tables leave free. */
export function heapBase(): usize {
  return __heap_base;
}

/** Copies bytes that may overlap: a few ns, where TypedArray.copyWithin is a call into the engine's runtime. */
export function copyBytes(to: usize, from: usize, length: i32): void {
  memory.copy(to, from, <usize> length);
}
