/** What a failed connection to an upstream means for the request it carried. */
import { ECONNRESET, EPIPE } from "../../linux/errno.ts";
import { type ProxyError, proxyError } from "../error.ts";
import type { StreamFailure } from "../worker/stream.ts";

/**
 * A system resets a connection that ends with bytes that nobody has read: the server stopped listening before it took the
 * connection, or closed it without a look. One that has read the request ends the connection instead, even where the
 * server was killed.
 * @param where who was asked, for people
 * @param isSilent nothing has come from there
 */
export function connectError(where: string, failure: StreamFailure, isSilent: boolean): ProxyError {
  const detail = `${where}: ${failure.detail}`;
  switch (failure.code) {
    case "connect":
      return proxyError("connect-failed", detail);
    case "connect-timeout":
      return proxyError("connect-timeout", detail);
    case "tls":
      return proxyError("tls-failed", detail);
    default: {
      const error = proxyError("upstream-reset", detail);
      const isUnread = isSilent && (failure.errno === ECONNRESET || failure.errno === EPIPE);
      return isUnread ? { ...error, isUnread } : error;
    }
  }
}
