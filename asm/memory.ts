/** The first byte that the module's own tables leave free. */
export function heapBase(): usize {
  return __heap_base;
}
