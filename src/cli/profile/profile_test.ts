import assert from "node:assert/strict";
import { parse } from "yaml";
import { renderCrds } from "../../../manifests/render.ts";
import { applyObjects } from "../../kube/apply.ts";
import type { KubernetesObject } from "../../kube/resource.ts";
import { withCluster } from "../../local/controllers/test_cluster.ts";
import { SYSTEM } from "../environment.ts";
import { runCli } from "../main.ts";
import { openApiRoutes } from "./open_api.ts";
import { protoRoutes } from "./proto.ts";

const OPEN_API = `
swagger: "2.0"
basePath: /api/
paths:
  /books/{id}.json:
    get:
      x-linkerd-retryable: true
      x-linkerd-timeout: 300ms
      responses: { "503": {}, "200": {}, default: {} }
    parameters: []
  /authors: { post: {}, delete: { responses: {} } }
`;

const PROTO = `
syntax = "proto3";
// package wrong; service Wrong { rpc Wrong (A) returns (B); }
package shop.v1; /* service Other { rpc Also (A) returns (B); } */
option go_package = "service X { rpc Y (A) }";
message A { string service = 1; }
service Books {
  rpc Get(A) returns (A) { option (google.api.http) = { get: "/v1/{name}" }; }
  rpc Watch (stream A) returns (stream A);
}
service Authors { rpc Get (A) returns (A) {} }
`;

async function run(args: string[], input = ""): Promise<{ code: number; printed: string; told: string }> {
  let printed = "", told = "";
  const code = await runCli(["profile", ...args], {
    ...SYSTEM,
    print: (text) => void (printed += text),
    tell: (text) => void (told += text),
    readStandardInput: () => Promise.resolve(input),
  });
  return { code, printed, told };
}

Deno.test("an OpenAPI description gives a route for each method of each path", () => {
  assert.deepEqual(openApiRoutes(OPEN_API, "f"), [
    { name: "DELETE /api/authors", condition: { method: "DELETE", pathRegex: "/api/authors" } },
    { name: "POST /api/authors", condition: { method: "POST", pathRegex: "/api/authors" } },
    {
      name: "GET /api/books/{id}.json",
      condition: { method: "GET", pathRegex: "/api/books/[^/]*\\.json" },
      isRetryable: true,
      timeout: "300ms",
      responseClasses: [
        { condition: { status: { min: 200, max: 200 } } },
        { condition: { status: { min: 503, max: 503 } }, isFailure: true },
      ],
    },
  ]);
  const third = "openapi: 3.1.0\nservers: [{ url: 'https://x.example/v2' }]\npaths: { /a: { get: {} } }";
  assert.equal(openApiRoutes(third, "f")[0]?.condition.pathRegex, "/v2/a");
});

Deno.test("a .proto file gives a route for each method, and none for comments and texts", () => {
  assert.deepEqual(protoRoutes(PROTO, "f").map(({ name, condition }) => [name, condition.pathRegex]), [
    ["Get", "/shop\\.v1\\.Books/Get"],
    ["Watch", "/shop\\.v1\\.Books/Watch"],
    ["Get", "/shop\\.v1\\.Authors/Get"],
  ]);
});

Deno.test("what is no description, no service or no name is refused with exit code 2", async () => {
  for (
    const [args, input, said] of [
      [["web"], "", /exactly one of/],
      [["web", "--template", "--proto", "-"], PROTO, /exactly one of/],
      [["Web.shop", "--template"], "", /no name of a Service/],
      [["web", "--open-api", "-", "--ignore-cluster"], "a: [", /open-api-invalid/],
      [["web", "--open-api", "-", "--ignore-cluster"], "[]", /has no paths/],
      [["web", "--proto", "-", "--ignore-cluster"], "message A {}", /no service with a method/],
      [["web", "--proto", "-", "--ignore-cluster"], "service A {", /is not closed/],
      [["web", "--proto", "/none"], "", /cannot be read/],
    ] as const
  ) {
    const { code, printed, told } = await run([...args], input);
    assert.deepEqual([code, printed], [2, ""], args.join(" "));
    assert.match(told, said);
  }
});

Deno.test("what profile prints is admitted by the ServiceProfile's own definition", () =>
  withCluster(async ({ client }) => {
    const texts = await Promise.all([
      run(["web", "-n", "shop", "--template", "--ignore-cluster"]),
      run(["books", "-n", "shop", "--open-api", "-", "--ignore-cluster"], OPEN_API),
      run(["authors", "-n", "shop", "--proto", "-", "--ignore-cluster", "-o", "json"], PROTO),
    ]);
    const profiles = texts.map(({ printed }) => parse(printed) as KubernetesObject);
    assert.equal(profiles[0]?.metadata?.name, "web.shop.svc.cluster.local");
    const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } };
    const definition = renderCrds().filter(({ metadata }) => metadata?.name === "serviceprofiles.linkerd.io");
    await applyObjects(client, [namespace, ...definition, ...profiles], { fieldManager: "test" });
  }));
