/** Routes from a .proto file: one for each method of each service. Source: cli.md §2.8. */
import { usageFailure } from "../failure.ts";
import { escapeRegex, type ProfileRoute } from "./routes.ts";

/** Comments and texts gone, so that what looks like a method in one of them is none. */
function withoutComments(text: string): string {
  const token = /\/\/[^\n]*|\/\*[^]*?\*\/|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'/g;
  return text.replace(token, (found) => found.startsWith("/") ? " " : '""');
}

/** What stands between a brace and the one that closes it. @returns undefined when none does */
function block(text: string, from: number): string | undefined {
  let depth = 1;
  for (let at = from; at < text.length; at++) {
    if (text[at] === "{") depth++;
    else if (text[at] === "}" && --depth === 0) return text.slice(from, at);
  }
  return undefined;
}

/** @throws MeshFailure when there is no service in it */
export function protoRoutes(text: string, file: string): ProfileRoute[] {
  const source = withoutComments(text);
  const packageName = /(?:^|[;}\s])package\s+([\w.]+)\s*;/.exec(source)?.[1];
  const routes = [...source.matchAll(/(?:^|[;}\s])service\s+(\w+)\s*\{/g)].flatMap((service) => {
    const body = block(source, service.index + service[0].length);
    if (body === undefined) {
      throw usageFailure("proto-invalid", `${file}: service ${service[1]} is not closed`, "mend the file");
    }
    const name = packageName === undefined ? service[1]! : `${packageName}.${service[1]}`;
    return [...body.matchAll(/(?:^|[;}\s])rpc\s+(\w+)\s*\(/g)].map(([, method]): ProfileRoute => ({
      name: method!,
      condition: { method: "POST", pathRegex: `/${escapeRegex(name)}/${method}` },
    }));
  });
  if (routes.length > 0) return routes;
  throw usageFailure(
    "proto-invalid",
    `${file} has no service with a method`,
    "give the .proto file of a gRPC service",
  );
}
