/** Why a connection of the data plane is of no more use. */
import { errnoName } from "../../linux/errno.ts";

export interface StreamFailure {
  /** Stable: what kind of failure. */
  readonly code: "connect" | "connect-timeout" | "tls" | "reset" | "io" | "memory" | "fault";
  /** For people: what was seen. */
  readonly detail: string;
  /** The system's error number; 0 when there is none. */
  readonly errno: number;
}

/** The peer's connection ended; for the requests it carried that is a loss. */
export const CLOSED_BY_PEER: StreamFailure = {
  code: "reset",
  detail: "the peer closed the connection",
  errno: 0,
};

/** The proxy shuts down, and its grace period is over. */
export const CLOSED_BY_PROXY: StreamFailure = { code: "io", detail: "closed by the proxy", errno: 0 };

/** The peer reset the connection, as `what` saw. @param errno the system's error number */
export function resetBy(what: string, errno: number): StreamFailure {
  return { code: "reset", detail: `${what}: ${errnoName(errno)}`, errno };
}
