/**
 * The one owner of memory that the kernel and OpenSSL read and write: bounds are checked here, and nowhere else is a
 * pointer made. Everything on the request path lives at an offset of one linear memory, so that bytes received from a
 * socket are parsed by WebAssembly in place and sent on without a copy.
 *
 * Why pointers are cached: making one costs about 70 ns, looking one up 4 ns. Page-aligned offsets (where buffers
 * begin) are cached for ever; other offsets are made on demand, which is the rare path (the rest of a short write).
 */

/** log2 of the pointers in a block of a cache. */
const BLOCK_SHIFT = 8;
const BLOCK_MASK = (1 << BLOCK_SHIFT) - 1;

/** Pointers by a number, in blocks that are made when one is first kept there: of a large memory little is ever used. */
export class PointerCache {
  readonly #blocks: ((Deno.PointerObject | undefined)[] | undefined)[];

  /** @param count one more than the largest number */
  constructor(count: number) {
    this.#blocks = new Array((count >>> BLOCK_SHIFT) + 1);
  }

  get(index: number): Deno.PointerObject | undefined {
    return this.#blocks[index >>> BLOCK_SHIFT]?.[index & BLOCK_MASK];
  }

  keep(index: number, pointer: Deno.PointerObject): Deno.PointerObject {
    const block = this.#blocks[index >>> BLOCK_SHIFT] ??= new Array(1 << BLOCK_SHIFT);
    block[index & BLOCK_MASK] = pointer;
    return pointer;
  }
}

/** log2 of the alignment whose pointers are cached. */
const PAGE_SHIFT = 12;
const PAGE_MASK = (1 << PAGE_SHIFT) - 1;

export class LinearMemory {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly words: Int32Array<ArrayBuffer>;
  readonly doubles: Float64Array<ArrayBuffer>;
  readonly view: DataView<ArrayBuffer>;
  readonly size: number;
  readonly #base: Deno.PointerObject;
  readonly #pages: PointerCache;

  /** @param buffer memory that never grows (a grown WebAssembly memory moves, and every pointer with it) */
  constructor(buffer: ArrayBuffer) {
    this.bytes = new Uint8Array(buffer);
    this.words = new Int32Array(buffer);
    this.doubles = new Float64Array(buffer);
    this.view = new DataView(buffer);
    this.size = buffer.byteLength;
    const base = Deno.UnsafePointer.of(this.bytes);
    if (base === null) throw new Error("the linear memory has no address");
    this.#base = base;
    this.#pages = new PointerCache(this.size >>> PAGE_SHIFT);
  }

  /**
   * The address of `length` bytes at `offset`.
   * @throws RangeError when any of them lies outside: a bug of ours, never something a peer can cause
   */
  pointer(offset: number, length: number): Deno.PointerObject {
    if (offset < 0 || length < 0 || offset + length > this.size) {
      throw new RangeError(`linear memory: ${length} bytes at ${offset} are outside its ${this.size}`);
    }
    if ((offset & PAGE_MASK) === 0) {
      const page = offset >>> PAGE_SHIFT;
      return this.#pages.get(page) ?? this.#pages.keep(page, this.#at(offset));
    }
    return this.#at(offset);
  }

  #at(offset: number): Deno.PointerObject {
    const pointer = Deno.UnsafePointer.offset(this.#base, offset);
    if (pointer === null) throw new RangeError(`linear memory: no address at ${offset}`);
    return pointer as Deno.PointerObject;
  }
}
