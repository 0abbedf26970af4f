/**
 * A batch of spans as OTLP has it, put together span by span: what a thousand take to encode is more than a request
 * should wait for. A protobuf message may be written in parts, since what is repeated in parts is all of it.
 * Source: OpenTelemetry protocol (OTLP) 1.x, trace/v1; protobuf, "Encoding", "Last One Wins".
 */
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import {
  type KeyValue,
  ResourceSpans,
  ScopeSpans,
  type Span as OtlpSpan,
  Span_SpanKind,
  Status_StatusCode,
} from "../../../../proto/gen/otlp_trace.ts";
import { SAMPLED } from "../context/trace_context.ts";
import type { Attribute, Span } from "../span.ts";

const SCOPE = "linkerd-proxy";
/** Field numbers with the type that has its length before it. */
const RESOURCE_SPANS = 1 << 3 | 2, SCOPE_SPANS = 2 << 3 | 2;
/** Of a span's flags: it is known whether its parent is in another process, and it is. */
const HAS_REMOTE = 0x100, IS_REMOTE = 0x200;

function nanosOf(micros: number): bigint {
  return BigInt(Math.round(micros)) * 1000n;
}

function keyValue([key, value]: Attribute): KeyValue {
  return {
    key,
    value: {
      value: typeof value === "number"
        ? { $case: "intValue", value: BigInt(value) }
        : { $case: "stringValue", value },
    },
  };
}

/** A span as a collector takes it. */
export function otlpOf(span: Span): OtlpSpan {
  const isServer = span.kind === "server", attributes = span.attributes.map(keyValue);
  if (span.status > 0) attributes.push(keyValue(["http.response.status_code", span.status]));
  attributes.push(keyValue(["direction", span.direction]));
  return {
    traceId: span.traceId,
    spanId: span.spanId,
    parentSpanId: span.parentId,
    name: span.name,
    kind: isServer ? Span_SpanKind.SPAN_KIND_SERVER : Span_SpanKind.SPAN_KIND_CLIENT,
    startTimeUnixNano: nanosOf(span.startMicros),
    endTimeUnixNano: nanosOf(span.endMicros),
    attributes,
    status: span.error === undefined
      ? undefined
      : { code: Status_StatusCode.STATUS_CODE_ERROR, message: span.error },
    flags: SAMPLED | HAS_REMOTE | (isServer ? IS_REMOTE : 0),
  };
}

export class ExportRequest {
  readonly #spans = ScopeSpans.encode({ scope: { name: SCOPE }, spans: [] });
  /** Spans that it has. */
  count = 0;
  /** Bytes that they take. */
  size = 0;

  constructor(private readonly resource: readonly Attribute[]) {}

  add(span: Span): void {
    const bytes = ScopeSpans.encode({ scope: undefined, spans: [otlpOf(span)] }).finish();
    this.#spans.raw(bytes);
    this.count++;
    this.size += bytes.length;
  }

  /** An ExportTraceServiceRequest. To be called once. */
  finish(): Uint8Array {
    const resource = { attributes: this.resource.map(keyValue) };
    const spans = ResourceSpans.encode({ resource, scopeSpans: [] })
      .uint32(SCOPE_SPANS).bytes(this.#spans.finish()).finish();
    return new BinaryWriter().uint32(RESOURCE_SPANS).bytes(spans).finish();
  }
}
