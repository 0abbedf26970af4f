/**
 * What an observation is told of a request, as bytes of `TapEvent`. Encoded where the request is, since heads stand in
 * its loop's record; nothing here touches the record or the loop's scratch areas.
 * Source: protocol-api.md §11.
 */
import type { Duration } from "../../../proto/gen/google/protobuf/duration.ts";
import type { Headers } from "../../../proto/gen/http_types.ts";
import {
  type Eos,
  TapEvent,
  type TapEvent_Http,
  type TapEvent_Http_StreamId,
  TapEvent_ProxyDirection,
} from "../../../proto/gen/tap.ts";
import type { SocketAddress } from "../../linux/address.ts";
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

function durationOf(micros: number): Duration {
  const whole = Math.max(0, Math.round(micros)), seconds = Math.floor(whole / 1_000_000);
  return { seconds: BigInt(seconds), nanos: (whole - seconds * 1_000_000) * 1000 };
}

function eosOf({ grpcStatus, reset }: TapEnd): Eos | undefined {
  if (reset >= 0) return { end: { $case: "resetErrorCode", value: reset } };
  return grpcStatus >= 0 ? { end: { $case: "grpcStatusCode", value: grpcStatus } } : undefined;
}

function encode(subject: TapSubject, destination: SocketAddress, event: TapEvent_Http["event"]): Uint8Array {
  const isInbound = subject.direction === "inbound";
  return TapEvent.encode({
    source: tcpAddressOf(subject.source),
    sourceMeta: { labels: { ...subject.sourceLabels } },
    destination: tcpAddressOf(destination),
    destinationMeta: { labels: { ...subject.destinationLabels } },
    routeMeta: { labels: { ...subject.routeLabels } },
    proxyDirection: isInbound ? TapEvent_ProxyDirection.INBOUND : TapEvent_ProxyDirection.OUTBOUND,
    event: { $case: "http", value: { event } },
  }).finish();
}

export function requestInit(
  subject: TapSubject,
  id: TapEvent_Http_StreamId,
  headers: Headers | undefined,
): Uint8Array {
  const { destination, method, scheme, authority, path } = subject;
  return encode(subject, destination, {
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
): Uint8Array {
  return encode(subject, subject.destination, {
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
): Uint8Array {
  return encode(subject, subject.destination, {
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
