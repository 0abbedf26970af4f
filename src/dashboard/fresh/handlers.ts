/** What answers a request to a route: a Response, or data for the route's page. */
import type { Context } from "./context.ts";

export interface PageResponse<Data> {
  readonly data: Data;
  readonly status?: number;
  readonly headers?: HeadersInit;
}

/** Data for the page component of the same route. */
export function page<Data>(
  data: Data,
  options: { status?: number; headers?: HeadersInit } = {},
): PageResponse<Data> {
  return { data, ...options };
}

export type HandlerFn<Data, State> = (
  context: Context<State>,
) => Response | PageResponse<Data> | Promise<Response | PageResponse<Data>>;

export const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] as const;
export type Method = typeof METHODS[number];

export type HandlerByMethod<Data, State> = { readonly [name in Method]?: HandlerFn<Data, State> };
export type RouteHandler<Data, State> = HandlerFn<Data, State> | HandlerByMethod<Data, State>;

/** The data that a handler gives to its page. */
export type DataOf<Handler> = Handler extends (...args: never[]) => infer Result ? PageData<Awaited<Result>>
  : { [name in keyof Handler]: DataOf<Handler[name]> }[keyof Handler];
type PageData<Result> = Result extends PageResponse<infer Data> ? Data : never;

/**
 * The function of a handler for a method: HEAD is answered by GET.
 *
 * @returns undefined where there is none, and then the methods there are
 */
export function handlerFor<State>(
  handler: RouteHandler<unknown, State>,
  method: string,
): { handle: HandlerFn<unknown, State> } | { allow: string } {
  if (typeof handler === "function") return { handle: handler };
  const found = METHODS.find((name) => name === method);
  const handle = found === undefined
    ? undefined
    : handler[found] ?? (found === "HEAD" ? handler.GET : undefined);
  if (handle !== undefined) return { handle };
  const known = METHODS.filter((name) =>
    handler[name] !== undefined || (name === "HEAD" && handler.GET !== undefined)
  );
  return { allow: known.join(", ") };
}
