/** The protocol of a target that may speak several: the proxy looks at the first bytes. */
import type { ProxyProtocol, ProxyProtocol_Detect } from "../../../../proto/gen/outbound.ts";
import { toDuration } from "../../wire/time.ts";
import { DETECT_TIMEOUT_MS } from "../config.ts";

export function detect(
  parts: Pick<ProxyProtocol_Detect, "opaque" | "http1" | "http2">,
): Extract<ProxyProtocol["kind"], { $case: "detect" }> {
  return { $case: "detect", value: { timeout: toDuration(DETECT_TIMEOUT_MS), ...parts } };
}
