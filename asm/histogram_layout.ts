/**
 * A log-linear histogram of unsigned 32-bit values: 32 buckets per power of two, values below 64 exact. Words from its
 * 8-byte aligned start; all zeroes is an empty one.
 */
export const enum Histogram {
  /** Number of values, and their sum, as doubles: `doubles[histogram >> 3]`, `doubles[(histogram >> 3) + 1]`. */
  Count = 0,
  Sum = 2,
  /** The largest value seen. */
  Maximum = 4,
  Buckets = 8,
  BucketCount = 896,
  /** Bytes of one histogram. */
  SizeBytes = 3616,
}
