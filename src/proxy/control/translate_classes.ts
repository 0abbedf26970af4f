/**
 * Which responses a ServiceProfile's route takes for failures. Its classes look at statuses alone, of which there are
 * few: each is judged here, once, and the data path compares numbers.
 * Source: protocol-api.md §7 (ResponseClass); proxy.md §9 (default failure classification).
 */
import type { ResponseClass, ResponseMatch } from "../../../proto/gen/destination.ts";
import type { FailureClasses, StatusRange } from "../route/retry_policy.ts";
import { FAILED_GRPC } from "../telemetry/http_series.ts";

const FIRST = 100, LAST = 599, OK = 200, DEFAULT_FIRST = 500;
const DEFAULT_CODES = FAILED_GRPC.reduce((mask, code) => mask | 1 << code, 0);

export const DEFAULT_CLASSES: FailureClasses = {
  statuses: [{ start: DEFAULT_FIRST, end: LAST }],
  grpcCodes: DEFAULT_CODES,
};

/** Undefined when it is none that can be judged by. */
type Judge = ((status: number) => boolean) | undefined;

function judgeOf(match: ResponseMatch | undefined): Judge {
  switch (match?.match?.$case) {
    case "all":
    case "any": {
      const { $case, value: { matches } } = match.match, all: ((status: number) => boolean)[] = [];
      for (const one of matches) {
        const judge = judgeOf(one);
        if (judge === undefined) return undefined;
        all.push(judge);
      }
      return $case === "all"
        ? (status) => all.every((judge) => judge(status))
        : (status) => all.some((judge) => judge(status));
    }
    case "not": {
      const judge = judgeOf(match.match.value);
      return judge && ((status) => !judge(status));
    }
    case "status": {
      const { min, max } = match.match.value;
      return min > 0 && max >= min ? (status) => status >= min && status <= max : undefined;
    }
  }
  return undefined;
}

/** The first class that matches counts; a class that cannot be understood is passed over, as in Linkerd. */
export function failureClassesOf(classes: readonly ResponseClass[]): FailureClasses {
  const judged = classes.flatMap(({ condition, isFailure }) => {
    const matches = judgeOf(condition);
    return matches === undefined ? [] : [{ matches, isFailure }];
  });
  if (judged.length === 0) return DEFAULT_CLASSES;
  const classOf = (status: number) => judged.find(({ matches }) => matches(status));
  const statuses: StatusRange[] = [];
  for (let status = FIRST; status <= LAST; status++) {
    if (!(classOf(status)?.isFailure ?? status >= DEFAULT_FIRST)) continue;
    const last = statuses.at(-1);
    if (last?.end === status - 1) statuses[statuses.length - 1] = { start: last.start, end: status };
    else statuses.push({ start: status, end: status });
  }
  // A call's response is a 200: where a class takes those, what its trailers say does not count.
  return { statuses, grpcCodes: classOf(OK) === undefined ? DEFAULT_CODES : 0 };
}
