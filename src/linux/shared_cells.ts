/**
 * 64-bit cells that all threads of the process see, for counts that its loops keep together. Memory of the process,
 * zeroed and never given back: whoever has the address may use it as long as he lives.
 */
import { errno, SystemError } from "./errno.ts";

const PROT_READ = 1,
  PROT_WRITE = 2,
  MAP_PRIVATE = 2,
  MAP_ANONYMOUS = 0x20,
  CELL_SIZE = 8,
  FAILED = 2n ** 64n - 1n;

let mapped: Deno.DynamicLibrary<typeof SYMBOLS> | undefined;
const SYMBOLS = {
  mmap: { parameters: ["pointer", "usize", "i32", "i32", "i32", "i64"], result: "pointer" },
} as const;

/** @returns the address of `count` cells, for `cellsAt`. @throws SystemError when the system has no memory left */
export function allocateCells(count: number): bigint {
  const { mmap } = (mapped ??= Deno.dlopen("libc.so.6", SYMBOLS)).symbols;
  const size = BigInt(count * CELL_SIZE);
  const place = mmap(null, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0n);
  const address = BigInt(Deno.UnsafePointer.value(place));
  if (place === null || address === FAILED) throw new SystemError("mmap", errno());
  return address;
}

/** The cells at an address of `allocateCells`, to be used through Atomics. */
export function cellsAt(address: bigint, count: number): BigInt64Array<ArrayBuffer> {
  const pointer = Deno.UnsafePointer.create(address);
  if (pointer === null) throw new RangeError("no cells stand at address 0");
  return new BigInt64Array(Deno.UnsafePointerView.getArrayBuffer(pointer, count * CELL_SIZE));
}
