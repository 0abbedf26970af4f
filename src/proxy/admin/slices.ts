/**
 * A long text in slices: so many pieces, or so many characters, are made and written before the data path has its
 * turn. A piece of /metrics is a line, or the lines of one histogram.
 */
export const PIECES_PER_SLICE = 32, CHARACTERS_PER_SLICE = 4096;

/** Joins pieces up to a slice's worth. */
export function* slicesOf(pieces: Iterable<string>): Generator<string> {
  let slice = "", count = 0;
  for (const piece of pieces) {
    slice += piece;
    if (++count < PIECES_PER_SLICE && slice.length < CHARACTERS_PER_SLICE) continue;
    yield slice;
    slice = "";
    count = 0;
  }
  if (slice !== "") yield slice;
}
