import { deepEqual, equal } from "node:assert/strict";
import type { ResponseClass, ResponseMatch } from "../../../proto/gen/destination.ts";
import { isFailure } from "../telemetry/http_series.ts";
import { DEFAULT_CLASSES, failureClassesOf } from "./translate_classes.ts";

const status = (min: number, max = min): ResponseMatch => ({
  match: { $case: "status", value: { min, max } },
});
const all = (...matches: ResponseMatch[]): ResponseMatch => ({ match: { $case: "all", value: { matches } } });
const any = (...matches: ResponseMatch[]): ResponseMatch => ({ match: { $case: "any", value: { matches } } });
const not = (value: ResponseMatch): ResponseMatch => ({ match: { $case: "not", value } });
const failure = (condition: ResponseMatch | undefined): ResponseClass => ({ condition, isFailure: true });
const success = (condition: ResponseMatch | undefined): ResponseClass => ({ condition, isFailure: false });

const ranges = (...classes: ResponseClass[]) =>
  failureClassesOf(classes).statuses.map(({ start, end }) => `${start}-${end}`);

Deno.test("without classes the failures are Linkerd's defaults, as metrics have them", () => {
  deepEqual(failureClassesOf([]), DEFAULT_CLASSES);
  for (let code = 0; code <= 16; code++) {
    equal((DEFAULT_CLASSES.grpcCodes >> code & 1) === 1, isFailure(200, undefined, code), `gRPC ${code}`);
  }
});

Deno.test("the first class that matches counts, and the default where none does", () => {
  deepEqual(ranges(failure(status(404))), ["404-404", "500-599"]);
  deepEqual(ranges(success(status(503)), failure(status(500, 599))), ["500-502", "504-599"]);
  deepEqual(ranges(success(status(500, 599)), failure(status(503))), []);
  deepEqual(ranges(failure(all(status(400, 499), not(any(status(404), status(410, 498)))))), [
    "400-403",
    "405-409",
    "499-599",
  ]);
});

Deno.test("a class that cannot be understood is passed over, whole", () => {
  const broken = { match: undefined };
  for (
    const condition of [undefined, broken, not(broken), any(status(200), broken), status(0), status(9, 8)]
  ) {
    deepEqual(failureClassesOf([failure(condition)]), DEFAULT_CLASSES);
  }
  deepEqual(ranges(failure(broken), failure(status(404))), ["404-404", "500-599"]);
});

Deno.test("what the trailers of a call say does not count where a class takes its status", () => {
  equal(failureClassesOf([failure(status(404))]).grpcCodes, DEFAULT_CLASSES.grpcCodes);
  equal(failureClassesOf([success(status(200, 299))]).grpcCodes, 0);
});
