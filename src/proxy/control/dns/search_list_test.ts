import { deepEqual } from "node:assert/strict";
import { meaningsOf, NO_SEARCH, searchListOf } from "./search_list.ts";

/** As the kubelet writes it. */
const POD = `search shop.svc.cluster.local svc.cluster.local cluster.local
nameserver 10.43.0.10
options ndots:5
`;

Deno.test("a service's short name is looked for where the pod's resolv.conf says, then by itself", () => {
  deepEqual(meaningsOf("jaeger.tracing", searchListOf(POD)), [
    "jaeger.tracing.shop.svc.cluster.local",
    "jaeger.tracing.svc.cluster.local",
    "jaeger.tracing.cluster.local",
    "jaeger.tracing",
  ]);
});

Deno.test("an absolute name is only itself, and one with many dots is itself first", () => {
  const list = searchListOf(POD);
  deepEqual(meaningsOf("jaeger.tracing.svc.cluster.local.", list), ["jaeger.tracing.svc.cluster.local."]);
  deepEqual(meaningsOf("a.b.c.d.e.f", list)[0], "a.b.c.d.e.f");
  deepEqual(meaningsOf("jaeger.tracing", NO_SEARCH), ["jaeger.tracing"]);
});

Deno.test("of several search lines the last counts; without any, nothing is searched", () => {
  deepEqual(searchListOf("search a\ndomain b.\noptions rotate ndots:99"), { domains: ["b"], dots: 15 });
  deepEqual(searchListOf("nameserver 1.1.1.1\nsearch \n"), { domains: [], dots: 1 });
});
