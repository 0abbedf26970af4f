/** Zero-terminated strings for system calls, in memory of their own. */
import { LinearMemory } from "./memory.ts";

const SLOT = 4096, SLOTS = 4;
const memory = new LinearMemory(new ArrayBuffer(SLOT * SLOTS));
const encoder = new TextEncoder();

/**
 * The address of `text` with a zero at its end, good until the slot is used again: within one system call.
 * @param slot 0 to 3, so that one call can take several strings
 * @throws RangeError when it is longer than any path may be (4,095 bytes) or holds a zero
 */
export function cString(text: string, slot = 0): Deno.PointerObject {
  if (text.includes("\0")) throw new RangeError("a string for the kernel holds a zero byte");
  const { written, read } = encoder.encodeInto(
    text,
    memory.bytes.subarray(slot * SLOT, (slot + 1) * SLOT - 1),
  );
  if (read !== text.length) {
    throw new RangeError(`a string of ${text.length} characters is too long for the kernel`);
  }
  memory.bytes[slot * SLOT + written] = 0;
  return memory.pointer(slot * SLOT, SLOT);
}
