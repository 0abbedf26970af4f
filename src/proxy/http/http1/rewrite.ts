/** A head written anew where it stands: its end stays, so that the body behind it goes out in the same write. */
import { Head, HeaderEntry, HeaderName, HeadFlag } from "../../../wasm/http1.ts";
import { type Arena, HEADROOM } from "../../worker/arena.ts";
import { MAX_REPEATED_BYTES } from "../limits.ts";
import type { DropMask, Pipeline } from "../pipeline.ts";

/**
 * Drops hop-by-hop lines and those of `drops`, adds `extraLength` bytes of header lines from `extraAt`.
 *
 * @param skip bytes before the start line
 * @param alsoDrop0 further ids to drop, of the first 32 (Host, when it is written anew)
 * @returns the new head's length; it ends where the old one at `at` ended
 */
export function rewriteInPlace(
  arena: Arena,
  at: number,
  skip: number,
  drops: DropMask,
  alsoDrop0: number,
  extraAt: number,
  extraLength: number,
): number {
  const { wasm, recordAt, scratchAt, memory } = arena;
  const written = wasm.rewriteHead(
    recordAt,
    at,
    scratchAt,
    skip,
    drops[0] | alsoDrop0,
    drops[1],
    drops[2],
    extraAt,
    extraLength,
  );
  const length = memory.words[(recordAt >> 2) + Head.Length]!, end = at + length;
  // It would lie on other bytes than its own: heads that need so much are refused before (`isTooLongToRepeat`).
  if (written - length > HEADROOM) throw new RangeError(`a head cannot grow by ${written - length} bytes`);
  wasm.copyBytes(end - written, scratchAt, written);
  return written;
}

/**
 * Rewrites the request's head as its pipeline says. What an upgrade needs is dropped as hop-by-hop and said anew; a
 * Host that disagrees with the target is written as the target has it.
 * @returns its length
 */
export function rewriteRequest(arena: Arena, at: number, pipeline: Pipeline): number {
  const { words } = arena.memory,
    record = arena.recordAt >> 2,
    { requestExtraAt, requestExtraLength } = pipeline;
  const skip = words[record + Head.MethodOffset]!, flags = words[record + Head.Flags]!;
  const isUpgrade = (flags & HeadFlag.Upgrade) !== 0, isHostWrong = (flags & HeadFlag.HostDiffers) !== 0;
  if (!isUpgrade && !isHostWrong) {
    return rewriteInPlace(arena, at, skip, pipeline.requestDrops, 0, requestExtraAt, requestExtraLength);
  }
  let extra = arena.readAscii(requestExtraAt, requestExtraLength);
  if (isUpgrade) extra += upgradeLines(arena, at);
  if (isHostWrong) {
    const offset = words[record + Head.AuthorityOffset]!, size = words[record + Head.AuthorityLength]!;
    extra += `host: ${arena.readAscii(at + offset, size)}\r\n`;
  }
  const extraLength = arena.writeAscii(arena.textAt, extra), hostBit = isHostWrong ? 1 << HeaderName.Host : 0;
  return rewriteInPlace(arena, at, skip, pipeline.requestDrops, hostBit, arena.textAt, extraLength);
}

/** Whether the head in the record has something to be said anew, an Upgrade or a Host, that is too long for it. */
export function isTooLongToRepeat(arena: Arena): boolean {
  const { words } = arena.memory, record = arena.recordAt >> 2, flags = words[record + Head.Flags]!;
  if ((flags & HeadFlag.HostDiffers) !== 0 && words[record + Head.AuthorityLength]! > MAX_REPEATED_BYTES) {
    return true;
  }
  if ((flags & HeadFlag.Upgrade) === 0) return false;
  const entry = record + Head.Headers + words[record + Head.UpgradeIndex]! * HeaderEntry.Words;
  return words[entry + HeaderEntry.ValueLength]! > MAX_REPEATED_BYTES;
}

/** `connection: upgrade` and the protocol that the head in the record names. */
export function upgradeLines(arena: Arena, at: number): string {
  const { words } = arena.memory, record = arena.recordAt >> 2;
  const entry = record + Head.Headers + words[record + Head.UpgradeIndex]! * HeaderEntry.Words;
  const offset = words[entry + HeaderEntry.ValueOffset]!, size = words[entry + HeaderEntry.ValueLength]!;
  return `connection: upgrade\r\nupgrade: ${arena.readAscii(at + offset, size)}\r\n`;
}
