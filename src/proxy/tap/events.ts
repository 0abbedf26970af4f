/**
 * What an observation is told of a request, as `TapEvent`s. Made where the request is, since heads stand in its loop's
 * record, and encoded by the main loop: a worker needs no codec, which costs a megabyte of each isolate (measured).
 * Source: protocol-api.md §11.
 */
import type { Duration } from "../../../proto/gen/google/protobuf/duration.ts";
import type { Headers } from "../../../proto/gen/http_types.ts";
import type { Eos, TapEvent, TapEvent_Http, TapEvent_Http_StreamId } from "../../../proto/gen/tap.ts";
import { tcpAddressOf } from "../control/translate_net.ts";
import { methodOf, schemeOf } from "./http_types.ts";
import type { TapSubject } from "./subject.ts";

/** How a response ended, beside its being whole. */
export interface TapEnd {
  /** -1 when there was none. */
  readonly grpcStatus: number;
  /** HTTP/2 error code of a response that broke off; -1 when it did not. */
  readonly reset: number;
}

/** Of TapEvent.ProxyDirection. */
const INBOUND = 1, OUTBOUND = 2;

function durationOf(micros: number): Duration {
  const whole = Math.max(0, Math.round(micros)), seconds = Math.floor(whole / 1_000_000);
  return { seconds: BigInt(seconds), nanos: (whole - seconds * 1_000_000) * 1000 };
}

function eosOf({ grpcStatus, reset }: TapEnd): Eos | undefined {
  if (reset >= 0) return { end: { $case: "resetErrorCode", value: reset } };
  return grpcStatus >= 0 ? { end: { $case: "grpcStatusCode", value: grpcStatus } } : undefined;
}

function eventOf(subject: TapSubject, event: TapEvent_Http["event"]): TapEvent {
  return {
    source: tcpAddressOf(subject.source),
    sourceMeta: { labels: { ...subject.sourceLabels } },
    destination: tcpAddressOf(subject.destination),
    destinationMeta: { labels: { ...subject.destinationLabels } },
    routeMeta: { labels: { ...subject.routeLabels } },
    proxyDirection: subject.direction === "inbound" ? INBOUND : OUTBOUND,
    event: { $case: "http", value: { event } },
  };
}

export function requestInit(
  subject: TapSubject,
  id: TapEvent_Http_StreamId,
  headers: Headers | undefined,
): TapEvent {
  const { method, scheme, authority, path } = subject;
  return eventOf(subject, {
    $case: "requestInit",
    value: { id, method: methodOf(method), scheme: schemeOf(scheme), authority, path, headers },
  });
}

export function responseInit(
  subject: TapSubject,
  id: TapEvent_Http_StreamId,
  httpStatus: number,
  sinceRequestMicros: number,
  headers: Headers | undefined,
): TapEvent {
  return eventOf(subject, {
    $case: "responseInit",
    value: { id, httpStatus, sinceRequestInit: durationOf(sinceRequestMicros), headers },
  });
}

/** @param sinceResponseMicros undefined when no response began */
export function responseEnd(
  subject: TapSubject,
  id: TapEvent_Http_StreamId,
  sinceRequestMicros: number,
  sinceResponseMicros: number | undefined,
  responseBytes: number,
  end: TapEnd,
  trailers: Headers | undefined,
): TapEvent {
  return eventOf(subject, {
    $case: "responseEnd",
    value: {
      id,
      sinceRequestInit: durationOf(sinceRequestMicros),
      sinceResponseInit: sinceResponseMicros === undefined ? undefined : durationOf(sinceResponseMicros),
      responseBytes: BigInt(responseBytes),
      eos: eosOf(end),
      trailers,
    },
  });
}
