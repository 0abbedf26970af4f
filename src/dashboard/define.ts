/** What middlewares, handlers and pages of the dashboard share. */
import type { NamespaceSummary } from "../mesh/api.ts";
import { createDefine } from "fresh";
import type { Calls } from "./live/calls.ts";
import type { Feeds } from "./live/feeds.ts";
import type { MetricsApi } from "./metrics_api.ts";

export interface State {
  readonly api: MetricsApi;
  readonly feeds: Feeds;
  readonly calls: Calls;
  /** Pages show requests one by one. */
  readonly showsCalls: boolean;
  /** Path of an asset: its name carries a digest. */
  asset(name: string): string;
  /** Of the document. */
  title: string;
  /** Of the list beside every page; missing where they could not be asked for. */
  namespaces?: readonly NamespaceSummary[];
  /** Whose page this is; missing for all. */
  namespace?: string;
  window: string;
  /** Seconds after which a reader without scripts gets the page anew; missing where nothing changes. */
  refreshSeconds?: number;
}

export const define = createDefine<State>();
