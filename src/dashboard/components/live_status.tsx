/** Whether the figures on the page are those of now, and where they come from. */
import { useEffect, useRef, useState } from "preact/hooks";
import type { StatusResponse } from "../../mesh/api.ts";
import { certificateLine } from "../model/certificates.ts";
import { CertificateNotes } from "./certificates.tsx";
import { Prose } from "./figures.tsx";
import type { Live } from "./use_live.ts";

interface Timed {
  readonly at: number;
  readonly windowMs: number;
  readonly coveredMs: number;
  readonly status: StatusResponse;
}

/** A time of day: UTC from the server, the reader's own once the page is alive. */
function useClock(at: number): string {
  const [isAlive, setAlive] = useState(false);
  useEffect(() => setAlive(true), []);
  const date = new Date(at);
  return isAlive ? date.toLocaleTimeString() : `${date.toISOString().slice(11, 19)} UTC`;
}

export function LiveStatus({ live }: { live: Live<Timed> }) {
  const time = useClock(live.view.at);
  const state = live.connection === "broken" ? "broken" : live.fault ? "fault" : live.connection;
  const words = {
    still: "Figures of",
    live: "Live",
    broken: "Connecting again; figures of",
    fault: "Figures of",
  };
  const { windowMs, coveredMs } = live.view;
  const isYoung = windowMs > 0 && coveredMs < windowMs * 0.95;
  return (
    <p class={`live ${state}`} role="status" aria-live="off">
      <i aria-hidden="true" />
      {words[state]} <time dateTime={new Date(live.view.at).toISOString()}>{time}</time>
      {isYoung && (
        <span title="Figures are gathered since then; rates are over that time">
          · {Math.round(coveredMs / 1000)} s so far
        </span>
      )}
    </p>
  );
}

/** A scrape that is missed once under load says nothing; without scripts there is only one view to judge by. */
const LASTING_VIEWS = 3;

function useLasting(isSo: boolean, updates: number): boolean {
  const streak = useRef({ updates: -1, views: 0 });
  if (streak.current.updates !== updates) {
    streak.current = { updates, views: isSo ? streak.current.views + 1 : 0 };
  }
  return isSo && (updates === 0 || streak.current.views >= LASTING_VIEWS);
}

/** What stands above the figures when they are not what they seem. */
export function LiveNotes({ live }: { live: Live<Timed> }) {
  const { status } = live.view;
  const isFailing = useLasting(status.failing > 0, live.updates);
  return (
    <>
      {live.fault && (
        <div class="note bad" role="alert">
          <strong>The figures below are no longer new.</strong> {live.fault.detail}{" "}
          <code>{live.fault.code}</code>
          {live.fault.remedy && (
            <p>
              <Prose text={live.fault.remedy} />
            </p>
          )}
        </div>
      )}
      <CertificateNotes status={status} at={live.view.at} />
      {isFailing && (
        <div class="note warn">
          {status.failing} of {status.targets}{" "}
          proxies cannot be scraped; what they count is missing here. See which with{" "}
          <code>linkerd check --proxy</code>, and why on their workload's page.
        </div>
      )}
    </>
  );
}

export function Source({ status, at }: { status: StatusResponse; at: number }) {
  const certificates = certificateLine(status.certificates ?? [], at);
  return (
    <footer class="source">
      {status.targets} {status.targets === 1 ? "proxy" : "proxies"} scraped every{" "}
      {(status.scrapeIntervalMs / 1000).toFixed(status.scrapeIntervalMs % 1000 === 0 ? 0 : 1)}{" "}
      s · figures kept for {Math.round(status.retentionMs / 3_600_000)} h · metrics-api {status.version}
      {certificates !== undefined && ` · ${certificates}`}
    </footer>
  );
}
