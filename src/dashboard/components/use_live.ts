/** A view that is kept up to date by server-sent events, once it has come to life in the browser. */
import { useEffect, useState } from "preact/hooks";
import type { MeshError } from "../../mesh/error.ts";

export interface Live<View> {
  readonly view: View;
  /** Views that came since the page was made; what tests wait for. */
  readonly updates: number;
  /** `still` as the server made it and wherever scripts do not run. */
  readonly connection: "still" | "live" | "broken";
  /** Why the last view could not be loaded; missing where it could. */
  readonly fault?: MeshError;
}

/** @param path of the stream (src/dashboard/live/feeds.ts) */
export function useLive<View>(initial: View, path: string): Live<View> {
  const [live, setLive] = useState<Live<View>>({ view: initial, updates: 0, connection: "still" });
  useEffect(() => {
    const source = new EventSource(path);
    source.addEventListener("view", (event) => {
      const view = JSON.parse(event.data) as View;
      setLive(({ updates }) => ({ view, updates: updates + 1, connection: "live" }));
    });
    source.addEventListener("fault", (event) => {
      const fault = JSON.parse(event.data) as MeshError;
      setLive((last) => ({ ...last, fault, connection: "live" }));
    });
    // The browser connects again by itself; after a refusal (too many readers) it does not.
    source.addEventListener("error", () => setLive((last) => ({ ...last, connection: "broken" })));
    return () => source.close();
  }, [path]);
  return live;
}
