import assert from "node:assert/strict";
import { humanDuration } from "./duration.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** From apimachinery's duration_test.go. */
for (
  const [milliseconds, expected] of [
    [SECOND, "1s"],
    [70 * SECOND, "70s"],
    [190 * SECOND, "3m10s"],
    [70 * MINUTE, "70m"],
    [47 * HOUR, "47h"],
    [49 * HOUR, "2d1h"],
    [8 * DAY + 2 * HOUR, "8d"],
    [367 * DAY, "367d"],
    [365 * 2 * DAY + 25 * HOUR, "2y1d"],
    [365 * 8 * DAY + 2 * HOUR, "8y"],
  ] as const
) {
  Deno.test(`${milliseconds} ms are ${expected} to kubectl`, () =>
    assert.equal(humanDuration(milliseconds), expected));
}
