/** routes/ as a table: which file answers a path, and what its folders put around it. */
import type { PageComponent } from "./context.ts";
import type { Middleware } from "./define.ts";
import type { RouteHandler } from "./handlers.ts";
import type { Manifest, RouteModule } from "./manifest.ts";
import { comparePatterns, foldersOf, matchPattern, type RoutePattern, routePattern } from "./route_path.ts";

export interface Route<State> {
  readonly pattern: RoutePattern;
  readonly handler: RouteHandler<unknown, State> | undefined;
  readonly component: PageComponent<unknown, State> | undefined;
  readonly frame: Frame<State>;
}

/** What surrounds a page: from the outermost inwards. */
export interface Frame<State> {
  readonly middlewares: readonly Middleware<State>[];
  readonly layouts: readonly PageComponent<unknown, State>[];
  readonly app: PageComponent<unknown, State> | undefined;
  readonly error: PageComponent<unknown, State> | undefined;
}

export interface RouteTable<State> {
  find(pathname: string): { route: Route<State>; params: Record<string, string> } | undefined;
  /** Around what no route answers. */
  readonly root: Frame<State>;
}

/** @throws for a file that exports nothing a route is made of */
export function routeTable<State>(files: Manifest["routes"]): RouteTable<State> {
  const special = (folder: string, name: string): RouteModule | undefined => {
    const path = folder === "" ? name : `${folder}/${name}`;
    return files[`${path}.tsx`] ?? files[`${path}.ts`];
  };
  const frameOf = (file: string): Frame<State> => {
    const folders = foldersOf(file);
    const components = (name: string) =>
      folders.flatMap((folder) => {
        const component = special(folder, name)?.default;
        return component === undefined ? [] : [component as PageComponent<unknown, State>];
      });
    return {
      middlewares: folders.flatMap((folder) => middlewaresOf<State>(special(folder, "_middleware"))),
      layouts: components("_layout"),
      app: components("_app")[0],
      error: components("_error").at(-1),
    };
  };
  const routes = Object.entries(files).filter(([file]) => !/(^|\/)_[^/]*$/.test(file)).map(
    ([file, module]) => {
      const handler = (module.handler ?? module.handlers) as RouteHandler<unknown, State> | undefined;
      const component = module.default as PageComponent<unknown, State> | undefined;
      if (handler === undefined && component === undefined) {
        throw new Error(`routes/${file} exports neither a handler nor a page`);
      }
      return { pattern: routePattern(file), handler, component, frame: frameOf(file) };
    },
  ).sort((left, right) => comparePatterns(left.pattern, right.pattern));
  return {
    root: frameOf("index.tsx"),
    find(pathname) {
      for (const route of routes) {
        const params = matchPattern(route.pattern, pathname);
        if (params !== undefined) return { route, params };
      }
      return undefined;
    },
  };
}

function middlewaresOf<State>(module: RouteModule | undefined): Middleware<State>[] {
  const given = module?.default ?? module?.handler;
  if (given === undefined) return [];
  return (Array.isArray(given) ? given : [given]) as Middleware<State>[];
}
