/**
 * The linear memory of one loop, laid out once: where bytes are received and parsed, where rewritten heads are
 * written, the slots for bytes that must wait, and small cells for parser states.
 *
 * One receive area is enough for all connections: what is read in an event is parsed and sent on before the next
 * event is looked at; only what cannot go on at once is copied to a slot.
 */
import { type LinearMemory, PointerCache } from "../../linux/memory.ts";
import { HEAP_START, instantiate, type MeshExports, type MeshModule } from "../../wasm/module.ts";
import { hpackTableBytes } from "../../wasm/http2.ts";
import { AcceptedConnections } from "./accepted.ts";
import { SLOT_SIZE, SlotPool } from "./slots.ts";

/** Room before received bytes, so that a head may grow by as much in place. */
export const HEADROOM = 4096;
/** The most that one read takes: with its grown head it fits a slot. */
export const READ_SIZE = SLOT_SIZE - HEADROOM;
/** Cells hold the state of a chunked body. */
export const CELL_SIZE = 64;
const CELL_COUNT = 16384;
/** What an HPACK table holds: the default of RFC 9113 §6.5.2. */
export const HPACK_TABLE_MAX = 4096;
const TABLE_SIZE = (hpackTableBytes(HPACK_TABLE_MAX) + 63) & ~63;
/** Two tables a connection: the cap on HTTP/2 connections of one loop. */
const TABLE_COUNT = 8192;
/** What the texts of one field block may need: our list limit, the table's, and twice the largest block. */
export const HPACK_TEXT_SIZE = 192 << 10;
/** Slots of 64 KiB, and smaller ones: the cap on bytes that wait in one loop. Pages are touched only when used. */
const SLOT_COUNT = 1024, SMALL_SLOT_COUNT = 32768, TINY_SLOT_COUNT = 32768;
const SLOTS_SIZE = SlotPool.sizeFor(TINY_SLOT_COUNT, SMALL_SLOT_COUNT, SLOT_COUNT);

function pageAligned(offset: number): number {
  return (offset + 4095) & ~4095;
}

export class Arena {
  readonly memory: LinearMemory;
  readonly wasm: MeshExports;
  /** Received bytes begin here. */
  readonly receiveAt: number;
  /** Rewritten heads are built here, SLOT_SIZE bytes. */
  readonly scratchAt: number;
  /** What the head parser says, see src/wasm/http1.ts. */
  readonly recordAt: number;
  /** Small texts for the parser and the rewriter (header lines to add), 8 KiB. */
  readonly textAt: number;
  /** What is known of the HTTP/2 frame at hand (`Frame` words). */
  readonly frameAt: number;
  /** Texts of the field block decoded last: valid until the next one. HPACK_TEXT_SIZE bytes. */
  readonly hpackTextAt: number;
  /** A request that is sent again is rewritten here, with HEADROOM before it: the receive area may be in use. */
  readonly resendAt: number;
  /** The header line that says that a message was HTTP/1 (proxy.md §6), to be added by a copy. */
  readonly originalProtocolAt: number;
  readonly originalProtocolLength: number;
  /** The same of a request whose target was in absolute form. */
  readonly absoluteProtocolAt: number;
  readonly absoluteProtocolLength: number;
  /** "CONNECT". */
  readonly connectMethodAt: number;
  readonly connectMethodLength: number;
  readonly slots: SlotPool;
  /** Clients' connections of HTTP: each holds a descriptor. */
  readonly acceptedConnections = new AcceptedConnections(true);
  /** Clients' HTTP/2 connections: each holds two tables. */
  readonly http2Connections = new AcceptedConnections(false);
  readonly #receivePointers = new PointerCache(2 * HEADROOM);
  readonly #cells: number[] = [];
  #nextCell: number;
  readonly #cellEnd: number;
  readonly #tables: number[] = [];
  #nextTable: number;
  readonly #tableEnd: number;
  #heap: number;
  readonly #heapEnd: number;

  private constructor(module: MeshModule) {
    this.memory = module.memory;
    this.wasm = module.exports;
    let at = pageAligned(HEAP_START);
    const region = (size: number) => {
      const start = at;
      at = pageAligned(at + size);
      return start;
    };
    this.recordAt = region(16384);
    this.textAt = region(8192);
    this.receiveAt = region(SLOT_SIZE + HEADROOM) + HEADROOM;
    this.scratchAt = region(2 * SLOT_SIZE);
    this.frameAt = region(4096);
    this.hpackTextAt = region(HPACK_TEXT_SIZE);
    this.originalProtocolAt = region(128);
    this.originalProtocolLength = this.writeAscii(this.originalProtocolAt, "l5d-orig-proto: HTTP/1.1\r\n");
    this.absoluteProtocolAt = this.originalProtocolAt + 64;
    this.absoluteProtocolLength = this.writeAscii(
      this.absoluteProtocolAt,
      "l5d-orig-proto: HTTP/1.1; absolute-form\r\n",
    );
    this.connectMethodAt = this.originalProtocolAt + 32;
    this.connectMethodLength = this.writeAscii(this.connectMethodAt, "CONNECT");
    this.resendAt = region(SLOT_SIZE + HEADROOM) + HEADROOM;
    this.#nextCell = region(CELL_COUNT * CELL_SIZE);
    this.#cellEnd = this.#nextCell + CELL_COUNT * CELL_SIZE;
    this.#nextTable = region(TABLE_COUNT * TABLE_SIZE);
    this.#tableEnd = this.#nextTable + TABLE_COUNT * TABLE_SIZE;
    const slotStart = region(SLOTS_SIZE);
    this.slots = new SlotPool(slotStart, TINY_SLOT_COUNT, SMALL_SLOT_COUNT, SLOT_COUNT);
    this.#heap = at;
    this.#heapEnd = module.heapEnd;
  }

  /** Bytes of linear memory an arena needs: the regions, and 16 MiB for histograms. Touched as they are used. */
  static readonly SIZE = SLOTS_SIZE +
    CELL_COUNT * CELL_SIZE + TABLE_COUNT * TABLE_SIZE +
    (18 << 20);

  static create(): Arena {
    return new Arena(instantiate(Arena.SIZE));
  }

  /** The address of a place in the receive area; cached, since every read and most writes begin there. */
  receivePointer(offset: number, length: number): Deno.PointerObject {
    const index = offset - this.receiveAt + HEADROOM;
    if (index < 0 || index >= 2 * HEADROOM) return this.memory.pointer(offset, length);
    if (offset + length > this.memory.size) throw new RangeError("linear memory: write past its end");
    const cache = this.#receivePointers;
    return cache.get(index) ?? cache.keep(index, this.memory.pointer(offset, 1));
  }

  /** A zeroed cell, or 0 when all are in use. */
  takeCell(): number {
    let cell = this.#cells.pop() ?? 0;
    if (cell === 0) {
      if (this.#nextCell === this.#cellEnd) return 0;
      cell = this.#nextCell;
      this.#nextCell += CELL_SIZE;
    }
    this.memory.bytes.fill(0, cell, cell + CELL_SIZE);
    return cell;
  }

  giveCell(cell: number): void {
    this.#cells.push(cell);
  }

  /** Room for an HPACK table of up to HPACK_TABLE_MAX bytes (RFC 7541 §4.1), or 0 when all are in use. */
  takeTable(): number {
    const table = this.#tables.pop();
    if (table !== undefined) return table;
    if (this.#nextTable === this.#tableEnd) return 0;
    this.#nextTable += TABLE_SIZE;
    return this.#nextTable - TABLE_SIZE;
  }

  giveTable(table: number): void {
    this.#tables.push(table);
  }

  /** Zeroed memory that is never given back (histograms of metric series); 0 when there is none left. */
  allocate(size: number): number {
    const start = (this.#heap + 7) & ~7;
    if (start + size > this.#heapEnd) return 0;
    this.#heap = start + size;
    return start;
  }

  /** Copies `text` (ASCII) to `at`. @returns its length */
  writeAscii(at: number, text: string): number {
    const { bytes } = this.memory;
    for (let i = 0; i < text.length; i++) bytes[at + i] = text.charCodeAt(i);
    return text.length;
  }

  /** The 32-bit number that the network's order has at `at`. */
  readWord(at: number): number {
    const { bytes } = this.memory;
    return (bytes[at]! << 24 | bytes[at + 1]! << 16 | bytes[at + 2]! << 8 | bytes[at + 3]!) >>> 0;
  }

  /** The bytes of a span as text, one character a byte. */
  readAscii(at: number, length: number): string {
    const { bytes } = this.memory;
    let text = "";
    for (let i = 0; i < length; i++) text += String.fromCharCode(bytes[at + i]!);
    return text;
  }
}
