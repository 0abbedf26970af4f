/**
 * Which of two matches is preferred, as one number: the host first (an exact one before a suffix, a longer before a
 * shorter, any before none), then the path by its matched length, the number of headers, that of query parameters, and
 * whether the method was asked for. gRPC: host, service, method, headers, in the lengths matched.
 * Source: proxy.md §3.
 */
const HOST_LIMIT = 512, PATH_LIMIT = 65_536, COUNT_LIMIT = 256;
/** So many ranks have the same host. */
const HOST_STEP = PATH_LIMIT * COUNT_LIMIT * COUNT_LIMIT * COUNT_LIMIT;

/** No match: below every other. */
export const NO_MATCH = -1;

const upTo = (limit: number, value: number) => Math.min(value, limit - 1);

export function hostRank(kind: "exact" | "suffix", length: number): number {
  const rank = kind === "exact" ? HOST_LIMIT + upTo(HOST_LIMIT, length) : upTo(HOST_LIMIT, length);
  return rank * HOST_STEP;
}

export function pathRank(length: number): number {
  return upTo(PATH_LIMIT, length) * COUNT_LIMIT * COUNT_LIMIT * COUNT_LIMIT;
}

/** Any path, at most. */
export const LONGEST_PATH = pathRank(PATH_LIMIT);

export function httpRank(headers: number, queryParams: number, hasMethod: boolean): number {
  return (upTo(COUNT_LIMIT, headers) * COUNT_LIMIT + upTo(COUNT_LIMIT, queryParams)) * COUNT_LIMIT +
    (hasMethod ? 1 : 0);
}

/** Beside `pathRank` of the service. */
export function grpcRank(methodLength: number, headers: number): number {
  return upTo(PATH_LIMIT, methodLength) * COUNT_LIMIT + upTo(COUNT_LIMIT, headers);
}
