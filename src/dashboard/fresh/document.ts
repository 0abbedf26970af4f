/** A page as HTML: its frame around it, its islands' scripts, and no script where there is no island. */
import { h } from "preact";
import { renderToString } from "preact-render-to-string";
import type { Context, PageComponent, PageProps } from "./context.ts";
import { collectIslands, type PageIslands } from "./islands.ts";
import { PROPS_ELEMENT } from "./props_element.ts";
import type { Frame } from "./routes.ts";

/** @returns a whole document */
export function renderDocument<State>(
  context: Context<State>,
  component: PageComponent<unknown, State>,
  frame: Pick<Frame<State>, "layouts" | "app">,
  data: unknown,
): string {
  const { state, url, req, params, route, error } = context;
  const shared = { data, state, url, req, params, route, error };
  const wrap = (outer: PageComponent<unknown, State>, inner: PageProps["Component"]) => () =>
    h(outer as PageProps["Component"], { ...shared, Component: inner } as object);
  const frames = [...(frame.app === undefined ? [] : [frame.app]), ...frame.layouts, component];
  const whole = frames.reduceRight<PageProps["Component"]>((inner, outer) => wrap(outer, inner), () => null);
  const { html, islands } = collectIslands(() => renderToString(h(whole, {})));
  return `<!DOCTYPE html>${withScripts(html, islands)}`;
}

function withScripts(html: string, islands: PageIslands): string {
  if (islands.found.length === 0) return html;
  const scripts = new Set(islands.found.map((island) => island.script));
  const preloads = new Set(islands.found.flatMap((island) => island.preloads));
  const head = [...preloads].map((path) => `<link rel="modulepreload" href="${path}">`).join("");
  const body = `<script type="application/json" id="${PROPS_ELEMENT}">${islands.props()}</script>` +
    [...scripts].map((path) => `<script type="module" src="${path}"></script>`).join("");
  return insertBefore(insertBefore(html, "</head>", head), "</body>", body);
}

function insertBefore(html: string, tag: string, text: string): string {
  const at = tag === "</head>" ? html.indexOf(tag) : html.lastIndexOf(tag);
  return at < 0 ? html + text : html.slice(0, at) + text + html.slice(at);
}
