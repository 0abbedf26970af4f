import { deepEqual, equal, throws } from "node:assert/strict";
import { ConfigError, readConfig } from "../../config/environment.ts";
import { TEST_ENVIRONMENT } from "../../testing/environment.ts";
import { attributesOfLines, attributesOfList, resourceOf } from "./resource.ts";

const COLLECTOR = { LINKERD2_PROXY_TRACE_COLLECTOR_SVC_ADDR: "collector.tracing:4317" };

function tracingOf(more: Record<string, string>) {
  return readConfig({ ...TEST_ENVIRONMENT, ...COLLECTOR, ...more }).tracing!;
}

/** @param labels what the file of labels has; undefined: it cannot be read */
function resource(
  more: Record<string, string>,
  labels?: string,
): [Record<string, string | number>, string[]] {
  const complaints: string[] = [];
  const readFile = (path: string) => {
    if (labels === undefined) throw new Error(`no ${path}`);
    return labels;
  };
  const facts = { pid: 7, startedAt: 1_700_000_000_000.4, readFile };
  const attributes = resourceOf(tracingOf(more), facts, (path) => complaints.push(path));
  return [Object.fromEntries(attributes), complaints];
}

Deno.test("labels are read as the downward API writes them, and as people do", () => {
  const text = 'app="web"\r\nzone=eu\n\nempty=\nquoted=""\nsum="a=b"\nnothing\n="no name"\n';
  deepEqual(attributesOfLines(text), [
    ["app", "web"],
    ["zone", "eu"],
    ["empty", ""],
    ["quoted", ""],
    ["sum", "a=b"],
  ]);
  deepEqual(attributesOfList("a=1, b=x%2Cy,c=100%\nd=4"), [["a", "1"], ["b", "x,y"], ["c", "100%"], [
    "d",
    "4",
  ]]);
});

Deno.test("each source of attributes counts before those below it", () => {
  const all = {
    HOSTNAME: "web-1",
    LINKERD2_PROXY_TRACE_SERVICE_NAME: "linkerd-proxy",
    LINKERD2_PROXY_TRACE_ATTRIBUTES_PATH: "/labels",
    LINKERD2_PROXY_TRACE_EXTRA_ATTRIBUTES: "k8s.pod.uid=u-1\napp=extra\n",
    OTEL_RESOURCE_ATTRIBUTES: "zone=eu,k8s.pod.uid=u-2",
  };
  deepEqual(resource(all, 'app="label"\nzone="label"\nversion="v1"'), [{
    "process.pid": 7,
    "process.start_timestamp": 1_700_000_000_000,
    "host.name": "web-1",
    "service.name": "linkerd-proxy",
    "app": "extra",
    "zone": "eu",
    "version": "v1",
    "k8s.pod.uid": "u-2",
  }, []]);
});

Deno.test("a file of labels that cannot be read is told of, and the proxy goes on", () => {
  const [attributes, complaints] = resource({ LINKERD2_PROXY_TRACE_ATTRIBUTES_PATH: "/labels" });
  deepEqual(complaints, ["/labels"]);
  equal(attributes["process.pid"], 7);
});

Deno.test("without a collector there is no tracing; without its name it is spoken to in plain text", () => {
  equal(readConfig(TEST_ENVIRONMENT).tracing, undefined);
  deepEqual(tracingOf({}).collector, { host: "collector.tracing", port: 4317, identity: undefined });
  const name = "collector.tracing.serviceaccount.identity.linkerd.cluster.local";
  equal(tracingOf({ LINKERD2_PROXY_TRACE_COLLECTOR_SVC_NAME: name }).collector.identity, name);
  throws(() => tracingOf({ LINKERD2_PROXY_TRACE_COLLECTOR_SVC_ADDR: "collector" }), ConfigError);
});
