import { deepEqual, equal } from "node:assert/strict";
import { DestinationProfile, GetDestination } from "../../../proto/gen/destination.ts";
import {
  OpaqueRoute_Distribution,
  OutboundPolicy,
  TlsRoute,
  TlsRoute_Rule,
  TrafficSpec,
} from "../../../proto/gen/outbound.ts";
import { readConfig } from "../config/environment.ts";
import { Log } from "../telemetry/log.ts";
import { TEST_ENVIRONMENT } from "../testing/environment.ts";
import { Loop } from "../worker/loop.ts";
import { type GrpcChannel, GrpcCode, type StreamObserver } from "./grpc.ts";
import { GrpcPlane } from "./grpc_plane.ts";
import type { OutboundDecision, OutboundTarget } from "./plane.ts";

const NAME = { name: "web.shop.svc.cluster.local", port: 8080 };

/** What is watched of a target: the two streams that were opened, and what was told. */
class Rig {
  readonly opened = new Map<string, { request: Uint8Array; observer: StreamObserver }>();
  readonly told: (OutboundDecision | string)[] = [];
  readonly plane: GrpcPlane;

  constructor(target: OutboundTarget, variables: Record<string, string> = {}) {
    const loop = new Loop((fault) => {
      throw fault;
    });
    const channel: GrpcChannel = {
      unary: () => Promise.reject(new Error("nobody calls")),
      onAnswer: () => ({ cancel() {} }),
      serverStream: (path, request, observer) => {
        this.opened.set(path.split("/").at(-1)!, { request, observer });
        return { cancel() {} };
      },
    };
    const plane = this.plane = new GrpcPlane({
      config: readConfig({ ...TEST_ENVIRONMENT, ...variables }),
      loop,
      log: new Log("off", "plain", () => {}),
      destination: channel,
      policy: channel,
    });
    plane.watchOutbound(target, (decision) => this.told.push(decision), (reason) => this.told.push(reason));
  }

  end(stream: "Watch" | "GetProfile", code: number): void {
    this.opened.get(stream)!.observer.onEnd({ code, message: "said the service" });
  }

  decision(index = 0): OutboundDecision {
    return this.told[index] as OutboundDecision;
  }
}

Deno.test("a name is asked about by its authority, and its profile by name and port", () => {
  const { opened } = new Rig(NAME);
  deepEqual(TrafficSpec.decode(opened.get("Watch")!.request).target, {
    $case: "authority",
    value: "web.shop.svc.cluster.local:8080",
  });
  equal(GetDestination.decode(opened.get("GetProfile")!.request).path, "web.shop.svc.cluster.local:8080");
});

Deno.test("a name that neither policy nor profile knows is refused, and not before both have said so", () => {
  const rig = new Rig(NAME);
  rig.end("GetProfile", GrpcCode.INVALID_ARGUMENT);
  deepEqual(rig.told, []);
  rig.end("Watch", GrpcCode.NOT_FOUND);
  deepEqual(rig.told, ["the control plane knows no such name"]);
});

Deno.test("a server is told the routes of a profile, and when it has none", () => {
  const { opened, plane } = new Rig({ name: "other.shop.svc.cluster.local", port: 80 }), told: unknown[] = [];
  plane.watchProfile(NAME, (routes) => told.push(routes?.map(({ rules }) => rules[0]!.target.labels)));
  const { request, observer } = opened.get("GetProfile")!;
  equal(GetDestination.decode(request).path, "web.shop.svc.cluster.local:8080");
  const tell = (names: readonly string[]) => {
    const routes = names.map((route) => ({
      condition: { match: { $case: "path", value: { regex: `/${route}` } } },
      responseClasses: [],
      metricsLabels: { route },
      isRetryable: false,
      timeout: undefined,
    }));
    const profile = { ...DestinationProfile.decode(new Uint8Array()), routes };
    observer.onMessage(DestinationProfile.encode(profile as DestinationProfile).finish());
  };
  tell(["items", "carts"]);
  tell([]);
  observer.onEnd({ code: GrpcCode.INVALID_ARGUMENT, message: "no such service" });
  deepEqual(told, [[{ route: "items" }, { route: "carts" }, {}], undefined, undefined]);
});

Deno.test("the profile of a name beyond the cluster is asked for only where the configuration says so", () => {
  const target = { name: "example.com", port: 80 };
  const rig = new Rig(target);
  deepEqual([...rig.opened.keys()], ["Watch"]);
  rig.end("Watch", GrpcCode.NOT_FOUND);
  deepEqual(rig.told, ["the control plane knows no such name"]);
  const open = new Rig(target, { LINKERD2_PROXY_DESTINATION_PROFILE_SUFFIXES: "." });
  deepEqual([...open.opened.keys()], ["Watch", "GetProfile"]);
});

Deno.test("a name that only its profile knows is balanced over its endpoints", () => {
  const rig = new Rig(NAME);
  rig.end("Watch", GrpcCode.NOT_FOUND);
  const profile = { ...DestinationProfile.decode(new Uint8Array()), fullyQualifiedName: NAME.name };
  rig.opened.get("GetProfile")!.observer.onMessage(DestinationProfile.encode(profile).finish());
  const { authority, opaque } = rig.decision();
  equal(authority, "web.shop.svc.cluster.local:8080");
  equal(opaque.kind !== "empty" && opaque.backends[0]!.backend.kind, "balancer");
});

Deno.test("an address that neither knows is where the traffic goes, as before", () => {
  const rig = new Rig({ ip: "192.0.2.7", port: 443 });
  rig.end("GetProfile", GrpcCode.INVALID_ARGUMENT);
  rig.end("Watch", GrpcCode.NOT_FOUND);
  const { opaque, authority } = rig.decision();
  equal(authority, "");
  const [first] = opaque.kind === "empty" ? [] : opaque.backends;
  deepEqual(first!.backend.kind === "forward" && first!.backend.endpoint.address, {
    ip: "192.0.2.7",
    port: 443,
  });
});

Deno.test("TLS routes keep the names they are for and what forbids them", () => {
  const rig = new Rig({ ip: "10.43.0.9", port: 443 });
  rig.end("GetProfile", GrpcCode.INVALID_ARGUMENT);
  const resource = {
    group: "gateway.networking.k8s.io",
    kind: "TLSRoute",
    namespace: "shop",
    section: "",
    port: 0,
  };
  const rule = {
    ...TlsRoute_Rule.decode(new Uint8Array()),
    backends: OpaqueRoute_Distribution.decode(new Uint8Array()),
  };
  const route = (name: string, changes: Partial<TlsRoute>): TlsRoute => ({
    ...TlsRoute.decode(new Uint8Array()),
    metadata: { kind: { $case: "resource", value: { ...resource, name } } },
    rules: [rule],
    ...changes,
  });
  const policy: OutboundPolicy = {
    metadata: undefined,
    protocol: {
      kind: {
        $case: "tls",
        value: {
          routes: [
            route("exact", { snis: [{ match: { $case: "exact", value: "WWW.Example.org" } }] }),
            route("domain", {
              snis: [{ match: { $case: "suffix", value: { reverseLabels: ["org", "example"] } } }],
            }),
            route("closed", { rules: [{ ...rule, filters: [{ kind: { $case: "forbidden", value: {} } }] }] }),
            route("wrong", {
              rules: [{ ...rule, filters: [{ kind: { $case: "invalid", value: { message: "why" } } }] }],
            }),
          ],
        },
      },
    },
  };
  rig.opened.get("Watch")!.observer.onMessage(OutboundPolicy.encode(policy).finish());
  const { protocol, tls } = rig.decision();
  equal(protocol, "tls");
  deepEqual(
    tls!.map(({ resource, names, distribution }) => [
      resource.name,
      names,
      distribution.kind === "empty" && [distribution.reason, distribution.isInvalid ?? false],
    ]),
    [
      ["exact", [{ kind: "exact", value: "www.example.org" }], ["its route sends nowhere", false]],
      ["domain", [{ kind: "suffix", value: ".example.org" }], ["its route sends nowhere", false]],
      ["closed", [], ["its policy forbids the connection", false]],
      ["wrong", [], ["its policy is invalid: why", true]],
    ],
  );
});
