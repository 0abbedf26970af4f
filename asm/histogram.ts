/** Log-linear histograms in caller memory. Layout: histogram_layout.ts; contracts: src/wasm/module.ts. */
import { Histogram } from "./histogram_layout";

const SUB_BITS: u32 = 5;
const SUB_COUNT: u32 = 32;

/** The bucket of a value: values below 32 one each, above that 32 per power of two. */
@inline
function bucketOf(value: u32): u32 {
  const shift = (<u32> 31 - clz(value | SUB_COUNT)) - SUB_BITS;
  return (shift << SUB_BITS) + (value >> shift);
}

/** The smallest value of a bucket, and how many values share it. */
@inline
function lowest(bucket: u32): u64 {
  if (bucket < SUB_COUNT << 1) return bucket;
  const shift = (bucket >> SUB_BITS) - 1;
  return <u64> (bucket - (shift << SUB_BITS)) << shift;
}

@inline
function countAt(histogram: usize, bucket: u32): u32 {
  return load<u32>(histogram + (Histogram.Buckets << 2) + (<usize> bucket << 2));
}

export function histogramRecord(histogram: usize, value: u32): void {
  const bucket = histogram + (Histogram.Buckets << 2) + (<usize> bucketOf(value) << 2);
  store<u32>(bucket, load<u32>(bucket) + 1);
  store<f64>(histogram, load<f64>(histogram) + 1);
  store<f64>(histogram + (Histogram.Sum << 2), load<f64>(histogram + (Histogram.Sum << 2)) + <f64> value);
  const maximum = histogram + (Histogram.Maximum << 2);
  if (value > load<u32>(maximum)) store<u32>(maximum, value);
}

export function histogramMerge(into: usize, from: usize): void {
  store<f64>(into, load<f64>(into) + load<f64>(from));
  const sum: usize = Histogram.Sum << 2;
  store<f64>(into + sum, load<f64>(into + sum) + load<f64>(from + sum));
  const maximum: usize = Histogram.Maximum << 2;
  if (load<u32>(from + maximum) > load<u32>(into + maximum)) store<u32>(into + maximum, load<u32>(from + maximum));
  for (let offset: usize = Histogram.Buckets << 2; offset < <usize> Histogram.SizeBytes; offset += 16) {
    v128.store(into + offset, i32x4.add(v128.load(into + offset), v128.load(from + offset)));
  }
}

export function histogramQuantile(histogram: usize, quantile: f64): f64 {
  const total = load<f64>(histogram);
  if (total == 0) return 0;
  const bounded = quantile > 1 ? 1 : quantile >= 0 ? quantile : 0;
  const wanted = max(ceil(bounded * total), 1);
  const maximum = <f64> load<u32>(histogram + (Histogram.Maximum << 2));
  let seen: f64 = 0;
  for (let bucket: u32 = 0; bucket < <u32> Histogram.BucketCount; bucket++) {
    seen += <f64> countAt(histogram, bucket);
    if (seen < wanted) continue;
    const middle = <f64> (lowest(bucket) + lowest(bucket + 1) - 1) / 2;
    return min(middle, maximum);
  }
  return maximum;
}

export function histogramCountAtMost(histogram: usize, bound: u32): f64 {
  const last = bucketOf(bound);
  let seen: f64 = 0;
  for (let bucket: u32 = 0; bucket <= last; bucket++) seen += <f64> countAt(histogram, bucket);
  return seen;
}
