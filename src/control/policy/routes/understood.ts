/** Routes one by one, so that one that no definition would have admitted takes none of the others with it. */
import type { Route } from "../../state/routes.ts";

/** @param make undefined for a route that says nothing. What it throws is told, and counts as undefined */
export function understood<R extends Route, T>(routes: readonly R[], make: (route: R) => T | undefined): T[] {
  return routes.flatMap((route) => {
    try {
      return make(route) ?? [];
    } catch (error) {
      const { kind, namespace, name } = route;
      console.error(
        `${kind} ${namespace}/${name} is ignored: ${error instanceof Error ? error.stack : error}`,
      );
      return [];
    }
  });
}
