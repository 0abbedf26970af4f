import assert from "node:assert/strict";
import { configAnnotation, isConfigAnnotation } from "./annotations.ts";
import {
  formatGoDuration,
  formatProxyDuration,
  parseGoDuration,
  parseProxyDuration,
  parseWindow,
} from "./duration.ts";
import { formatMeshError, MeshFailure, toMeshError } from "./error.ts";
import { parseServiceAccountIdentity, serviceAccountIdentity } from "./identity.ts";
import { ownerLabel, ownerMetricLabel } from "./labels.ts";
import { parsePortSet } from "./ports.ts";
import { formatByteRate, formatJson, formatRate, formatTable } from "./table.ts";

Deno.test("Go durations are read as Go reads them and printed as Go prints them", () => {
  const cases: [string, number, string][] = [
    ["24h0m0s", 86_400_000, "24h0m0s"],
    ["1m30s", 90_000, "1m30s"],
    ["1.5s", 1500, "1.5s"],
    [".5s", 500, "500ms"],
    ["250ms", 250, "250ms"],
    ["0", 0, "0s"],
    ["-2s", -2000, "-2s"],
    ["10us", 0.01, "10µs"],
    ["3ns", 3e-6, "3ns"],
    ["2h45m", 9_900_000, "2h45m0s"],
  ];
  for (const [text, milliseconds, printed] of cases) {
    assert.equal(parseGoDuration(text), milliseconds, text);
    assert.equal(formatGoDuration(milliseconds), printed, text);
  }
  for (const bad of ["", "5", "1d", "s", "1 s", "1s2", "--1s", "1..2s"]) {
    assert.equal(parseGoDuration(bad), undefined, bad);
  }
});

Deno.test("the proxy's durations are one integer and one unit", () => {
  for (
    const [text, milliseconds] of [
      ["100ms", 100],
      ["10s", 10_000],
      ["5m", 300_000],
      ["365d", 31_536_000_000],
      ["0", 0],
    ] as const
  ) {
    assert.equal(parseProxyDuration(text), milliseconds);
  }
  for (const bad of ["1.5s", "10", "s", "1h2m", "-1s", ""]) {
    assert.equal(parseProxyDuration(bad), undefined, bad);
  }
  assert.deepEqual([100, 90_000, 3_600_000, 0].map(formatProxyDuration), ["100ms", "90s", "1h", "0ms"]);
  assert.equal(parseWindow("1w"), 604_800_000);
  assert.equal(parseWindow("1x"), undefined);
});

Deno.test("a service account's identity is taken apart into what it was made of", () => {
  const domain = { controlPlaneNamespace: "linkerd", trustDomain: "cluster.local" };
  const identity = serviceAccountIdentity("web.v2", "shop", domain);
  assert.equal(identity, "web.v2.shop.serviceaccount.identity.linkerd.cluster.local");
  assert.deepEqual(parseServiceAccountIdentity(identity), { name: "web.v2", namespace: "shop", ...domain });
  assert.equal(parseServiceAccountIdentity("spiffe://root/vm"), undefined);
});

Deno.test("port lists take ports, ranges and names, and pass over what is none", () => {
  const ports = parsePortSet(
    "25, 4000-4002,mysql,0,70000,9-3,x",
    (name) => name === "mysql" ? 3306 : undefined,
  );
  assert.deepEqual([25, 4001, 3306, 4003, 9].map((port) => ports.has(port)), [
    true,
    true,
    true,
    false,
    false,
  ]);
  assert.equal(ports.toString(), "25,4000-4002,3306");
  assert.equal(parsePortSet(" ").isEmpty, true);
});

Deno.test("tables align their columns and print a dash for what is not known", () => {
  const text = formatTable(
    [
      { title: "NAME", value: (row: { name: string; rps?: number }) => row.name },
      { title: "RPS", align: "right", value: (row) => row.rps },
    ],
    [{ name: "web", rps: 12 }, { name: "catalog" }],
  );
  assert.equal(text, "NAME      RPS\nweb        12\ncatalog     -\n");
  assert.equal(formatJson({ count: 5n }), '{\n  "count": 5\n}\n');
  assert.deepEqual([formatRate(0.987), formatRate(undefined), formatByteRate(1530)], [
    "98.70%",
    undefined,
    "1.5kB/s",
  ]);
});

Deno.test("labels and annotations are spelt as Linkerd spells them", () => {
  assert.equal(ownerLabel("StatefulSet"), "linkerd.io/proxy-statefulset");
  assert.equal(ownerMetricLabel("Job"), "k8s_job");
  assert.equal(configAnnotation("opaque-ports"), "config.linkerd.io/opaque-ports");
  assert.equal(isConfigAnnotation("config.alpha.linkerd.io/proxy-wait-before-exit-seconds"), true);
  assert.equal(isConfigAnnotation("viz.linkerd.io/disable-tap"), false);
});

Deno.test("an error says what was seen, why, and what to do now", () => {
  const error = {
    code: "no-control-plane",
    source: "cluster",
    detail: "namespace linkerd not found",
    remedy: "install it: linkerd install",
    cause: { code: "NotFound", source: "cluster", detail: "GET /api/v1/namespaces/linkerd: 404" },
  } as const;
  assert.equal(
    formatMeshError(toMeshError(new MeshFailure(error))),
    "namespace linkerd not found [no-control-plane]\n  because GET /api/v1/namespaces/linkerd: 404 [NotFound]\n  install it: linkerd install",
  );
  assert.equal(toMeshError(new Error("boom")).detail, "boom");
});
