/**
 * The part of Fresh 2's surface that the dashboard is written to, under the same names: file routes, `define`,
 * handlers with `page()`, `_app`, `_layout`, `_middleware`, `_error`, islands.
 *
 * Why not Fresh: it is published on JSR alone, and this project installs from the npm registry alone. The import name
 * `fresh` points here in deno.json; moving to Fresh is a change of that line and of server.ts. Left out, for want of a
 * use: partials, async components, optional path segments, JSX passed into islands.
 */
export { App } from "./app.ts";
export { Context, type PageProps } from "./context.ts";
export { createDefine, type Define, type Middleware } from "./define.ts";
export {
  type HandlerByMethod,
  type HandlerFn,
  page,
  type PageResponse,
  type RouteHandler,
} from "./handlers.ts";
export { HttpError } from "./http_error.ts";
