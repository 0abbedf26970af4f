/** The application: middlewares around file routes, with a page for every error. */
import { Context, type PageComponent } from "./context.ts";
import type { Middleware } from "./define.ts";
import { renderDocument } from "./document.ts";
import { handlerFor } from "./handlers.ts";
import { HttpError } from "./http_error.ts";
import { registerIsland } from "./islands.ts";
import type { Manifest } from "./manifest.ts";
import { type Frame, type Route, type RouteTable, routeTable } from "./routes.ts";

export class App<State> {
  readonly #middlewares: Middleware<State>[] = [];
  readonly #own = new Map<string, Middleware<State>>();
  #table: RouteTable<State> | undefined;

  /** Around everything, error pages too. */
  use(middleware: Middleware<State>): this {
    this.#middlewares.push(middleware);
    return this;
  }

  /** A path that is answered without routes/. */
  get(path: string, handler: Middleware<State>): this {
    this.#own.set(path, handler);
    return this;
  }

  /** Fresh finds the manifest by itself; here it is handed over. */
  fsRoutes(manifest: Manifest): this {
    this.#table = routeTable(manifest.routes);
    for (const island of manifest.islands) registerIsland(island);
    return this;
  }

  handler(): (request: Request, info: Deno.ServeHandlerInfo) => Promise<Response> {
    return async (request, info) => {
      const url = new URL(request.url);
      const found = this.#table?.find(url.pathname);
      const context = new Context<State>(
        request,
        url,
        info,
        found?.route.pattern.text ?? null,
        found?.params ?? {},
      );
      const answer = await run(this.#middlewares, context, () => this.#route(context, found?.route));
      return request.method === "HEAD" && answer.body !== null ? withoutBody(answer) : answer;
    };
  }

  async #route(context: Context<State>, route: Route<State> | undefined): Promise<Response> {
    const own = this.#own.get(context.url.pathname);
    const frame = route?.frame ?? this.#table?.root;
    try {
      if (own !== undefined) return await own(context);
      return await run(frame?.middlewares ?? [], context, () => answer(context, route));
    } catch (error) {
      return errorPage(context, frame, error);
    }
  }
}

function withoutBody(answer: Response): Response {
  answer.body?.cancel();
  return new Response(null, { status: answer.status, headers: answer.headers });
}

/** Calls middlewares from the outermost inwards; each decides whether to go on. */
function run<State>(
  middlewares: readonly Middleware<State>[],
  context: Context<State>,
  last: () => Promise<Response>,
): Promise<Response> {
  const step = async (at: number): Promise<Response> => {
    const middleware = middlewares[at];
    if (middleware === undefined) return await last();
    context.next = () => step(at + 1);
    return await middleware(context);
  };
  return step(0);
}

async function answer<State>(context: Context<State>, route: Route<State> | undefined): Promise<Response> {
  if (route === undefined) throw new HttpError(404, `there is no page ${context.url.pathname}`);
  const handler = route.handler ?? { GET: () => ({ data: undefined }) };
  const chosen = handlerFor(handler, context.req.method);
  if ("allow" in chosen) {
    return new Response("method not allowed\n", { status: 405, headers: { allow: chosen.allow } });
  }
  const result = await chosen.handle(context);
  if (result instanceof Response) return result;
  if (route.component === undefined) {
    throw new Error(`${route.pattern.text} has data, but no page to show it`);
  }
  return htmlPage(context, route.component, route.frame, result.data, result);
}

function htmlPage<State>(
  context: Context<State>,
  component: PageComponent<unknown, State>,
  frame: Pick<Frame<State>, "layouts" | "app">,
  data: unknown,
  init: { status?: number; headers?: HeadersInit },
): Response {
  const html = renderDocument(context, component, frame, data);
  const headers = new Headers(init.headers);
  headers.set("content-type", "text/html; charset=utf-8");
  return new Response(html, { status: init.status ?? 200, headers });
}

/** @param error shown by `_error`; what is no HttpError is a defect, and logged */
function errorPage<State>(
  context: Context<State>,
  frame: Frame<State> | undefined,
  error: unknown,
): Response {
  const status = error instanceof HttpError ? error.status : 500;
  if (!(error instanceof HttpError)) console.error(error instanceof Error ? error.stack : error);
  if (frame?.error !== undefined) {
    context.error = error;
    try {
      return htmlPage(context, frame.error, frame, undefined, { status });
    } catch (defect) {
      console.error(defect instanceof Error ? defect.stack : defect);
    }
  }
  const text = error instanceof HttpError ? error.message : "internal error";
  return new Response(`${text}\n`, { status });
}
