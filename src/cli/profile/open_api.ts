/** Routes from an OpenAPI description: of version 2 (Swagger) or 3. Source: cli.md §2.8. */
import { parse } from "../../kube/yaml.ts";
import { usageFailure } from "../failure.ts";
import { escapeRegex, type ProfileRoute } from "./routes.ts";

const METHODS = ["delete", "get", "head", "options", "patch", "post", "put"] as const;

interface Operation {
  readonly responses?: Readonly<Record<string, unknown>>;
  readonly "x-linkerd-retryable"?: unknown;
  readonly "x-linkerd-timeout"?: unknown;
}

interface Description {
  readonly paths?: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly basePath?: string;
  readonly servers?: readonly { readonly url?: string }[];
}

/** What stands before every path: `basePath`, or the first server's. */
function basePath({ basePath, servers }: Description): string {
  const path = basePath ?? new URL(servers?.[0]?.url ?? "/", "http://server/").pathname;
  return path.replace(/\/+$/, "");
}

/** `/books/{id}` → `/books/[^/]*` */
function pathRegex(path: string): string {
  return path.split(/(\{[^}]*\})/).map((part) => /^\{.*\}$/.test(part) ? "[^/]*" : escapeRegex(part)).join(
    "",
  );
}

function routeOf(path: string, method: string, operation: Operation): ProfileRoute {
  const statuses = Object.keys(operation.responses ?? {}).filter((status) => /^[1-5]\d\d$/.test(status)).map(
    Number,
  );
  const timeout = operation["x-linkerd-timeout"];
  return {
    name: `${method.toUpperCase()} ${path}`,
    condition: { method: method.toUpperCase(), pathRegex: pathRegex(path) },
    ...(operation["x-linkerd-retryable"] === true ? { isRetryable: true } : {}),
    ...(typeof timeout === "string" ? { timeout } : {}),
    ...(statuses.length === 0 ? {} : {
      responseClasses: statuses.sort((left, right) => left - right).map((status) => ({
        condition: { status: { min: status, max: status } },
        ...(status >= 500 ? { isFailure: true } : {}),
      })),
    }),
  };
}

/** @throws MeshFailure when the text is no such description */
export function openApiRoutes(text: string, file: string): ProfileRoute[] {
  let description: Description | null;
  try {
    description = parse(text) as Description | null;
  } catch (error) {
    throw usageFailure(
      "open-api-invalid",
      `${file}: ${(error as Error).message.split("\n")[0]}`,
      "mend the file",
    );
  }
  const paths = typeof description === "object" ? description?.paths : undefined;
  if (typeof paths !== "object" || paths === null) {
    throw usageFailure(
      "open-api-invalid",
      `${file} has no paths: it is no OpenAPI description`,
      "give a file in YAML or JSON that has `paths`",
    );
  }
  const base = basePath(description!);
  return Object.keys(paths).sort().flatMap((path) =>
    METHODS.filter((method) => paths[path]?.[method] !== undefined)
      .map((method) => routeOf(`${base}${path}`, method, paths[path]![method]!))
  );
}
