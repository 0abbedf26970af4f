/** A request on its way through middlewares, handler and page. */
import type { ComponentChildren, FunctionComponent } from "preact";

/** What page, layout, app and error components are given. */
export interface PageProps<Data = unknown, State = unknown> {
  readonly data: Data;
  readonly state: State;
  readonly url: URL;
  readonly req: Request;
  readonly params: Readonly<Record<string, string>>;
  /** The pattern of the route: `/namespaces/:namespace`; null where none matched. */
  readonly route: string | null;
  /** What was thrown, in `_error`. */
  readonly error: unknown;
  /** What a layout or the app puts its frame around. */
  readonly Component: FunctionComponent;
}

export type PageComponent<Data, State> = (props: PageProps<Data, State>) => ComponentChildren;

export class Context<State> {
  /** Shared by everything that handles this request. */
  readonly state: State = {} as State;
  error: unknown = null;
  /** Goes on with the next middleware, and at last the route. */
  next: () => Promise<Response> = () => Promise.reject(new Error("nothing comes next"));

  constructor(
    readonly req: Request,
    readonly url: URL,
    readonly info: Deno.ServeHandlerInfo,
    readonly route: string | null,
    readonly params: Readonly<Record<string, string>>,
  ) {}

  /** Sends the reader to a path of this site; a path that another site could be read from is flattened. */
  redirect(path: string, status = 302): Response {
    const location = path.replace(/^[/\\]{2,}/, "/");
    return new Response(null, { status, headers: { location } });
  }
}
