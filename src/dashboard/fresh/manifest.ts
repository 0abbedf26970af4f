/** What the build finds in routes/ and islands/ and hands to the server (tools/build/dashboard.ts writes it). */
import type { ComponentType } from "preact";

/** A module of routes/: its exports, looked at when it is used. */
export type RouteModule = Readonly<Record<string, unknown>>;

export interface Island {
  /** The file's name without its ending. */
  readonly name: string;
  readonly component: ComponentType<never>;
  /** Path of the script that brings it to life, and of what that imports. */
  readonly script: string;
  readonly preloads: readonly string[];
}

export interface Asset {
  readonly type: string;
  readonly body: string;
}

export interface Manifest {
  /** By path below routes/: `namespaces/[namespace]/index.tsx`. */
  readonly routes: Readonly<Record<string, RouteModule>>;
  readonly islands: readonly Island[];
  /** By path; the names carry a digest of the content, so that they may be kept for ever. */
  readonly assets: Readonly<Record<string, Asset>>;
  /** Paths by the names that pages know: `style.css` → `/assets/style-1a2b3c4d.css`. */
  readonly names: Readonly<Record<string, string>>;
}
