/** Header lists as control connections want them: strings in, strings out, over the HPACK of asm/. */
export interface HeaderCodec {
  encode(fields: readonly (readonly [string, string])[]): Uint8Array<ArrayBuffer>;
  /** Undefined when the block is malformed. Repeated fields are joined with a comma. */
  decode(block: Uint8Array, isTrailers: boolean): Map<string, string> | undefined;
  /** The peer's SETTINGS_HEADER_TABLE_SIZE. */
  limitEncoderTable(size: number): void;
  /** Gives its memory back. */
  release(): void;
}
