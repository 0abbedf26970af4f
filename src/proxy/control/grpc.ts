/**
 * What the control clients need of gRPC: one call, or one stream of messages from the server. The proxy's own HTTP/2
 * implements it (http2_channel.ts); tests give values.
 * Source: the gRPC HTTP/2 protocol specification; status codes by their registry.
 */
import type { Watch } from "./plane.ts";

export const GrpcCode = {
  OK: 0,
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  UNAUTHENTICATED: 16,
} as const;

export interface GrpcStatus {
  readonly code: number;
  readonly message: string;
}

/** A call that did not end OK. */
export class GrpcError extends Error {
  override readonly name = "GrpcError";
  constructor(readonly status: GrpcStatus) {
    super(`gRPC status ${status.code}: ${status.message || "no message"}`);
  }
}

export interface StreamObserver {
  onMessage(message: Uint8Array): void;
  /** The stream is over, by the server or by the connection; called once. */
  onEnd(status: GrpcStatus): void;
}

export interface GrpcChannel {
  /** @param path `/package.Service/Method` @throws GrpcError */
  unary(path: string, request: Uint8Array, timeoutMs: number): Promise<Uint8Array>;
  /** Told of each call's first answer: the service is there, and whoever waits before asking again need not. */
  onAnswer(listener: () => void): Watch;
  /** After `cancel` nothing more is told. */
  serverStream(path: string, request: Uint8Array, observer: StreamObserver): Watch;
}
