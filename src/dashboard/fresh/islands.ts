/**
 * Finds islands while a page is rendered, and marks them so that the browser can bring them to life.
 *
 * Preact calls `options.vnode` for every element made: an island's component is there replaced by one that surrounds
 * its output with comments and keeps its props. An island inside of an island is part of the outer one. Rendering is
 * synchronous, so module variables can say what is being rendered.
 */
import { type ComponentType, createContext, Fragment, h, isValidElement, options, type VNode } from "preact";
import { useContext } from "preact/hooks";
import { stringify } from "devalue";
import type { Island } from "./manifest.ts";

type Props = Readonly<Record<string, unknown>>;

/** The islands of one page, in the order they were met. */
export interface PageIslands {
  readonly found: readonly Island[];
  /** What `reviveProps` of client.ts reads: JSON that may stand inside of a script element. */
  props(): string;
}

const markers = new Map<unknown, ComponentType>();
const IsInIsland = createContext(false);
let page: { islands: Island[]; props: Props[] } | undefined;
let isInner = false;

/** From now on the island's component is marked wherever a page uses it. */
export function registerIsland(island: Island): void {
  const component = island.component as ComponentType<Props>;
  markers.set(component, (props: Props) => {
    const isPart = useContext(IsInIsland);
    isInner = true;
    const inner = h(component, props);
    isInner = false;
    if (isPart || page === undefined) return inner;
    refuseElements(island.name, props);
    const index = page.islands.push(island) - 1;
    page.props.push(props);
    return h(
      IsInIsland.Provider,
      { value: true, children: [comment(`island:${island.name}:${index}`), inner, comment("/island")] },
    );
  });
}

function comment(text: string): VNode {
  return h(Fragment as ComponentType<Props>, { UNSTABLE_comment: text });
}

function refuseElements(name: string, props: Props): void {
  const bad = Object.keys(props).find((key) =>
    isValidElement(props[key]) || typeof props[key] === "function"
  );
  if (bad !== undefined) {
    throw new Error(`island ${name}: ${bad} is no data, and cannot be sent to the browser`);
  }
}

const previous = options.vnode;
options.vnode = (vnode) => {
  const marker = page === undefined || isInner ? undefined : markers.get(vnode.type);
  if (marker !== undefined) vnode.type = marker;
  previous?.(vnode);
};

/** Runs a synchronous rendering and collects its islands. */
export function collectIslands(render: () => string): { html: string; islands: PageIslands } {
  const collected = { islands: [] as Island[], props: [] as Props[] };
  page = collected;
  try {
    const html = render();
    const props = () => stringify(collected.props).replaceAll("<", "\\u003c");
    return { html, islands: { found: collected.islands, props } };
  } finally {
    page = undefined;
  }
}
