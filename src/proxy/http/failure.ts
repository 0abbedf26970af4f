/** What a failed connection to an upstream means for the request it carried. */
import { type ProxyError, proxyError } from "../error.ts";
import type { StreamFailure } from "../worker/stream.ts";

/** @param where who was asked, for people */
export function connectError(where: string, failure: StreamFailure): ProxyError {
  const detail = `${where}: ${failure.detail}`;
  switch (failure.code) {
    case "connect":
      return proxyError("connect-failed", detail);
    case "connect-timeout":
      return proxyError("connect-timeout", detail);
    case "tls":
      return proxyError("tls-failed", detail);
    default:
      return proxyError("upstream-reset", detail);
  }
}
