/** `define`: functions that return what they are given, so that the compiler knows its types. */
import type { Context, PageComponent } from "./context.ts";
import type { DataOf, RouteHandler } from "./handlers.ts";

export type Middleware<State> = (context: Context<State>) => Response | Promise<Response>;

export interface Define<State> {
  handlers<Handler extends RouteHandler<unknown, State>>(handler: Handler): Handler;
  /** @typeParam Handler `typeof handler` of the same route: its data becomes `props.data` */
  page<Handler extends RouteHandler<unknown, State> = never>(
    component: PageComponent<[Handler] extends [never] ? unknown : DataOf<Handler>, State>,
  ): typeof component;
  layout(component: PageComponent<unknown, State>): typeof component;
  middleware<Given extends Middleware<State> | readonly Middleware<State>[]>(middleware: Given): Given;
}

/** @typeParam State what middlewares put on `context.state` */
export function createDefine<State>(): Define<State> {
  return {
    handlers: (handler) => handler,
    page: (component) => component,
    layout: (component) => component,
    middleware: (middleware) => middleware,
  };
}
