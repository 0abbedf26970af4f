/** Milliseconds as protobuf's Duration. */
import type { Duration } from "../../../proto/gen/google/protobuf/duration.ts";

export function toDuration(milliseconds: number): Duration {
  const seconds = Math.trunc(milliseconds / 1000);
  return { seconds: BigInt(seconds), nanos: Math.round((milliseconds - seconds * 1000) * 1e6) };
}

export function fromDuration(duration: Duration): number {
  return Number(duration.seconds) * 1000 + duration.nanos / 1e6;
}
