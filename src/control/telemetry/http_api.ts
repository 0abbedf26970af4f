/** The statistics API over HTTP: JSON answers, an event stream of stat, and its own description. */
import type { EdgesQuery, SeriesQuery, StatKind, StatQuery } from "../../mesh/api.ts";
import {
  type PoliciesQuery,
  POLICY_KINDS,
  policyKind,
  type ProfileRoutesQuery,
  type RoutesQuery,
} from "../../mesh/route_api.ts";
import { parseWindow } from "../../mesh/duration.ts";
import { badRequest, type StatisticsContext } from "./answers/context.ts";
import { edges } from "./answers/edges.ts";
import { policies } from "./answers/policies.ts";
import { profileRoutes } from "./answers/profile_routes.ts";
import { authorizations, statInbound, statOutbound } from "./answers/routes.ts";
import { series } from "./answers/series.ts";
import { stat } from "./answers/stat.ts";
import { namespaces, status, workloads } from "./answers/workloads.ts";
import { eventStream } from "./event_stream.ts";
import { openApi } from "./openapi.ts";
import { given, Parameters } from "./parameters.ts";
import { refusal } from "./refusal.ts";
import { TAP_PATH } from "./tap/tap_api.ts";

/** Which resources, and over how long. */
function selected(
  parameters: Parameters,
): { [Key in keyof RoutesQuery]-?: RoutesQuery[Key] | undefined } & { kind: StatKind } {
  return {
    kind: parameters.required("kind", parameters.kind("kind")),
    namespace: parameters.text("namespace"),
    name: parameters.text("name"),
    labels: parameters.text("labels"),
    window: parameters.text("window"),
  };
}

function statQuery(parameters: Parameters): StatQuery {
  return given<StatQuery>({
    ...selected(parameters),
    toKind: parameters.kind("toKind"),
    to: parameters.text("to"),
    toNamespace: parameters.text("toNamespace"),
    fromKind: parameters.kind("fromKind"),
    from: parameters.text("from"),
    fromNamespace: parameters.text("fromNamespace"),
  });
}

/** A question of which routes were used, whatever is told of them. */
function ofRoutes(answer: (context: StatisticsContext, query: RoutesQuery) => object): Answer {
  return (context, parameters) => {
    const query = given<RoutesQuery>(selected(parameters));
    parameters.refuseOthers();
    return answer(context, query);
  };
}

type Answer = (context: StatisticsContext, parameters: Parameters) => object;

const ANSWERS: Readonly<Record<string, Answer>> = {
  "/api/v1/stat": (context, parameters) => {
    const query = statQuery(parameters);
    parameters.refuseOthers();
    return stat(context, query);
  },
  "/api/v1/edges": (context, parameters) => {
    const query = given<EdgesQuery>({
      kind: parameters.kind("kind"),
      namespace: parameters.text("namespace"),
      window: parameters.text("window"),
    });
    parameters.refuseOthers();
    return edges(context, query);
  },
  "/api/v1/series": (context, parameters) => {
    const direction = parameters.text("direction");
    if (direction !== undefined && direction !== "inbound" && direction !== "outbound") {
      throw badRequest("direction-invalid", `direction is inbound or outbound, not ${direction}`);
    }
    const query = given<SeriesQuery>({
      kind: parameters.required("kind", parameters.kind("kind")),
      name: parameters.required("name", parameters.text("name")),
      namespace: parameters.text("namespace"),
      window: parameters.text("window"),
      step: parameters.text("step"),
      direction,
    });
    parameters.refuseOthers();
    return series(context, query);
  },
  "/api/v1/stat-inbound": ofRoutes(statInbound),
  "/api/v1/stat-outbound": ofRoutes(statOutbound),
  "/api/v1/authz": ofRoutes(authorizations),
  "/api/v1/stat-policies": (context, parameters) => {
    const text = parameters.text("kind"), kind = text === undefined ? undefined : policyKind(text);
    if (text !== undefined && kind === undefined) {
      throw badRequest(
        "kind-unknown",
        `kind=${text} is no policy`,
        `it is one of ${POLICY_KINDS.join(", ")}`,
      );
    }
    const query = given<PoliciesQuery>({
      kind: parameters.required("kind", kind),
      namespace: parameters.text("namespace"),
      name: parameters.text("name"),
      window: parameters.text("window"),
    });
    parameters.refuseOthers();
    return policies(context, query);
  },
  "/api/v1/routes": (context, parameters) => {
    const query = given<ProfileRoutesQuery>({
      ...selected(parameters),
      to: parameters.text("to"),
      toNamespace: parameters.text("toNamespace"),
    });
    parameters.refuseOthers();
    return profileRoutes(context, query);
  },
  "/api/v1/workloads": (context, parameters) => {
    const query = given<{ namespace?: string; kind?: StatKind; name?: string }>({
      namespace: parameters.text("namespace"),
      kind: parameters.kind("kind"),
      name: parameters.text("name"),
    });
    parameters.refuseOthers();
    return workloads(context, query);
  },
  "/api/v1/namespaces": (context, parameters) => {
    parameters.refuseOthers();
    return namespaces(context);
  },
  "/api/v1/status": (context, parameters) => {
    parameters.refuseOthers();
    return status(context);
  },
  "/openapi.json": () => openApi(),
};

/** Answers GET; `stat/watch` goes on until the client leaves or `stopped` aborts. */
export function httpApi(
  context: StatisticsContext,
  stopped: AbortSignal,
): (request: Request) => Response {
  return (request) => {
    const url = new URL(request.url);
    if (request.method !== "GET" && request.method !== "HEAD") {
      return new Response("GET only\n", { status: 405, headers: { allow: "GET, HEAD" } });
    }
    try {
      const parameters = new Parameters(url);
      if (url.pathname === "/api/v1/stat/watch") return watchStat(context, parameters, stopped);
      const answer = ANSWERS[url.pathname];
      if (answer !== undefined) {
        return Response.json(answer(context, parameters), { headers: { "cache-control": "no-store" } });
      }
      const paths = [...Object.keys(ANSWERS), "/api/v1/stat/watch", TAP_PATH].join(" ");
      const error = { code: "path-unknown", source: "usage" as const, detail: `known paths: ${paths}` };
      return Response.json({ error }, { status: 404 });
    } catch (error) {
      return refusal(error);
    }
  };
}

/** Server-sent events named `stat`, each with a whole StatResponse, at once and then every interval. */
function watchStat(context: StatisticsContext, parameters: Parameters, stopped: AbortSignal): Response {
  const text = parameters.text("interval");
  const query = statQuery(parameters);
  parameters.refuseOthers();
  const intervalMs = text === undefined ? Math.max(1_000, context.intervalMs) : parseWindow(text);
  if (intervalMs === undefined || intervalMs < 250) {
    throw badRequest("interval-invalid", `not an interval of at least 250ms: ${text}`);
  }
  return eventStream({ name: "stat", intervalMs, stopped }, () => stat(context, query));
}
