/**
 * A foreign function that is not called for each request: one that may call back is no fast call of V8's, and takes a
 * page (4 KiB) less.
 */
export function rare<
  const Parameters extends readonly Deno.NativeType[],
  const Result extends Deno.NativeResultType,
>(parameters: Parameters, result: Result) {
  return { parameters, result, callback: true } as const;
}
