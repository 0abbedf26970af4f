/** Requests and connections by who talks to whom: what `stat` and `edges` tell. */
import { type FlowCounter, type FlowDimensions, flowOf, type FlowStore } from "./flow.ts";
import { bucketOf } from "./histogram.ts";
import { StoredLedger } from "./ledger.ts";

const TCP_FIELDS: Readonly<Record<string, FlowCounter>> = {
  tcp_open_total: "opened",
  tcp_read_bytes_total: "read",
  tcp_write_bytes_total: "written",
  tcp_open_connections: "open",
};
const WANTED = new Set([...Object.keys(TCP_FIELDS), "response_total", "response_latency_ms_bucket"]);

export function flowLedger(store: FlowStore): StoredLedger<keyof FlowDimensions, FlowCounter> {
  return new StoredLedger(store, WANTED, (name, labels, pod, isCrowded) => {
    let field: FlowCounter | number | undefined = TCP_FIELDS[name];
    let kind: FlowDimensions["kind"] = "tcp";
    if (name === "response_total") {
      kind = "http";
      field = labels.classification === "failure" ? "failure" : "success";
    } else if (name === "response_latency_ms_bucket") {
      kind = "http";
      field = bucketOf(labels.le ?? "");
    }
    if (field === undefined) return undefined;
    // A proxy counts both halves of what it carries; the half towards its peer is the one asked about.
    if (kind === "tcp" && labels.peer !== (labels.direction === "inbound" ? "src" : "dst")) return undefined;
    const flow = flowOf(kind, pod, labels);
    if (flow === undefined) return undefined;
    return { flow: isCrowded ? { ...flow, authority: "", clientId: "" } : flow, field };
  });
}
