/** gRPC status codes as errors a handler throws. */

export const Code = {
  cancelled: 1,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  aborted: 10,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
} as const;

/** Thrown by a handler: the client gets this code and text. */
export class RpcError extends Error {
  override readonly name = "RpcError";
  constructor(readonly code: number, readonly details: string) {
    super(details);
  }
}

export function invalidArgument(details: string): RpcError {
  return new RpcError(Code.invalidArgument, details);
}

export function notFound(details: string): RpcError {
  return new RpcError(Code.notFound, details);
}

export function failedPrecondition(details: string): RpcError {
  return new RpcError(Code.failedPrecondition, details);
}
