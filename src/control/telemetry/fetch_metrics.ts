/** The metrics at an admin port, as text. */
import { formatAddress } from "../../linux/address.ts";

/** Larger answers are nobody's metrics. */
const MAX_BYTES = 32 * 1024 * 1024;

/** @throws Error when it cannot be reached, refuses, or says too much */
export async function fetchMetrics(ip: string, port: number, signal: AbortSignal): Promise<string> {
  const response = await fetch(`http://${formatAddress({ ip, port })}/metrics`, {
    signal,
    headers: { accept: "text/plain;version=0.0.4", "accept-encoding": "identity" },
  });
  if (!response.ok) {
    await response.body?.cancel();
    throw new Error(`HTTP ${response.status}`);
  }
  if (Number(response.headers.get("content-length") ?? 0) > MAX_BYTES) {
    await response.body?.cancel();
    throw new Error("the answer is too large");
  }
  return await response.text();
}
