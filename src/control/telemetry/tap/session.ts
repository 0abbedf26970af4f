/**
 * One tap: all its pods, and the lines its reader gets. Bounded: a reader that falls behind loses events, and is told
 * how many.
 */
import type { TapEvent } from "../../../../proto/gen/tap.ts";
import type { TapLine, TapQuery } from "../../../mesh/tap.ts";
import { DEFAULT_MAX_RPS, LARGEST_MAX_RPS } from "../../../mesh/tap.ts";
import { badRequest, type StatisticsContext } from "../answers/context.ts";
import type { Inventory, PodRecord } from "../inventory.ts";
import { extractOf, matchOf } from "./match.ts";
import { PodTap } from "./pod_tap.ts";
import { type PodOfIp, recordOf } from "./records.ts";
import { targetsOf } from "./targets.ts";

/** Taps of this process at one time. */
const MAX_SESSIONS = 16;
/** Bytes that wait for the reader. */
const BUFFER_BYTES = 1 << 20;
/** A line without content tells whoever stands between that the connection lives. */
const KEEP_ALIVE_MS = 15_000;
const NAMES_MS = 1000;

let sessions = 0;

/** Names pods by their addresses, by a table that is made anew when it is old. */
function namer(inventory: Inventory): PodOfIp {
  let table = new Map<string, PodRecord>(), madeAt = -Infinity;
  return (ip) => {
    if (Date.now() - madeAt > NAMES_MS) {
      table = new Map(inventory.pods().map((pod) => [pod.ip, pod]));
      madeAt = Date.now();
    }
    return table.get(ip);
  };
}

function rateOf({ maxRps }: TapQuery): number {
  const rate = maxRps === undefined ? DEFAULT_MAX_RPS : Number(maxRps);
  if (rate > 0 && rate <= LARGEST_MAX_RPS) return rate;
  throw badRequest(
    "max-rps-invalid",
    `requests a second: above 0 and at most ${LARGEST_MAX_RPS}, not ${maxRps}`,
  );
}

/**
 * Begins a tap.
 * @param stopped aborted when the server stops
 * @throws MeshFailure when it cannot begin: nothing has been sent yet
 */
export function tap(context: StatisticsContext, query: TapQuery, stopped: AbortSignal): Response {
  const rate = rateOf(query), match = matchOf(query), extract = extractOf(query);
  const { pods, untapped } = targetsOf(context, query);
  if (sessions >= MAX_SESSIONS) {
    throw badRequest("tap-too-many", `${MAX_SESSIONS} taps run already`, "end one");
  }
  // As Linkerd: each pod shows at least one a second.
  const request = { limit: Math.max(1, Math.floor(rate / pods.length)), match, extract };
  const podOf = namer(context.inventory), encoder = new TextEncoder();
  let end = () => {};
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      sessions++;
      let dropped = 0;
      const write = (line: TapLine) => {
        if ((controller.desiredSize ?? 0) <= 0) dropped++;
        else controller.enqueue(encoder.encode(`${JSON.stringify(line)}\n`));
      };
      write({ observing: { pods: pods.map(({ namespace, name }) => `${namespace}/${name}`), untapped } });
      const onEvent = (event: TapEvent) => {
        const record = recordOf(event, podOf);
        if (record !== undefined) write({ event: record });
      };
      const taps = pods.map((pod) => {
        const name = `${pod.namespace}/${pod.name}`;
        const onTrouble = (detail: string) => write({ trouble: { pod: name, detail } });
        return new PodTap({ pod, request, onEvent, onTrouble });
      });
      const telling = setInterval(() => {
        if (dropped === 0 || (controller.desiredSize ?? 0) <= 0) return;
        const count = dropped;
        dropped = 0;
        write({ dropped: count });
      }, NAMES_MS);
      const beating = setInterval(() => {
        if ((controller.desiredSize ?? 0) > 0) controller.enqueue(encoder.encode("\n"));
      }, KEEP_ALIVE_MS);
      const onStopped = () => {
        end();
        controller.close();
      };
      stopped.addEventListener("abort", onStopped, { once: true });
      end = () => {
        end = () => {};
        sessions--;
        stopped.removeEventListener("abort", onStopped);
        clearInterval(telling);
        clearInterval(beating);
        for (const one of taps) one.stop();
      };
    },
    cancel: () => end(),
  }, { highWaterMark: BUFFER_BYTES, size: (chunk) => chunk.length });
  return new Response(body, {
    headers: { "content-type": "application/x-ndjson", "cache-control": "no-store" },
  });
}
