/**
 * GET /api/v1/tap: requests one by one, for whom it is allowed. Apart from the rest of the API, since it is the one
 * path that not everybody may ask; its code is loaded when somebody does.
 */
import type { TapQuery } from "../../../mesh/tap.ts";
import type { StatisticsContext } from "../answers/context.ts";
import { given, Parameters } from "../parameters.ts";
import { refusal } from "../refusal.ts";

export const TAP_PATH = "/api/v1/tap";

/** @throws MeshFailure when whoever sends these headers may not tap */
export type AuthorizeTap = (headers: Headers) => Promise<void>;

function queryOf(url: URL): TapQuery {
  const parameters = new Parameters(url);
  const query = given<TapQuery>({
    kind: parameters.required("kind", parameters.kind("kind")),
    namespace: parameters.text("namespace"),
    name: parameters.text("name"),
    labels: parameters.text("labels"),
    toKind: parameters.kind("toKind"),
    to: parameters.text("to"),
    toNamespace: parameters.text("toNamespace"),
    maxRps: parameters.text("maxRps"),
    scheme: parameters.text("scheme"),
    method: parameters.text("method"),
    authority: parameters.text("authority"),
    path: parameters.text("path"),
    headers: parameters.text("headers"),
  });
  parameters.refuseOthers();
  return query;
}

/** @param stopped aborted when the server stops: taps end then */
export function tapApi(
  context: StatisticsContext,
  stopped: AbortSignal,
  authorize: AuthorizeTap,
): (request: Request) => Promise<Response> {
  return async (request) => {
    if (request.method !== "GET") {
      return new Response("GET only\n", { status: 405, headers: { allow: "GET" } });
    }
    try {
      await authorize(request.headers);
    } catch (error) {
      return refusal(error, 403);
    }
    try {
      const query = queryOf(new URL(request.url));
      return (await import("./session.ts")).tap(context, query, stopped);
    } catch (error) {
      return refusal(error);
    }
  };
}
