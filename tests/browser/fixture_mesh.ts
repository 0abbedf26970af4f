/** The meshes that fixture_api.ts can be asked about. */
import type { StatKind } from "../../src/mesh/api.ts";

export interface FixtureWorkload {
  readonly namespace: string;
  readonly kind: StatKind;
  readonly name: string;
  readonly pods: number;
  readonly meshed: number;
  readonly http?: {
    readonly rps: number;
    /** 0 to 1. */
    readonly failing: number;
    /** p50, p95 and p99 in milliseconds. */
    readonly latency: readonly [number, number, number];
    readonly mtls: number;
  };
  readonly tcp?: { readonly open: number; readonly read: number; readonly written: number };
  /** The last pod is slow. */
  readonly slowPod?: boolean;
  /** Why the last pod does not run. */
  readonly waiting?: string;
}

export interface Scenario {
  readonly namespaces: readonly string[];
  readonly workloads: readonly FixtureWorkload[];
  readonly edges: readonly {
    readonly from: string;
    readonly to: string;
    readonly rps?: number;
    readonly failing?: number;
    readonly open?: number;
    readonly noTls?: string;
  }[];
}

function http(
  rps: number,
  latency: readonly [number, number, number],
  failing = 0,
  mtls = 1,
): Pick<FixtureWorkload, "http" | "tcp"> {
  return {
    http: { rps, failing, latency, mtls },
    tcp: { open: Math.ceil(rps / 12), read: rps * 420, written: rps * 910 },
  };
}

const deployment = (namespace: string, name: string, pods: number, meshed = pods) => ({
  namespace,
  kind: "deployment" as const,
  name,
  pods,
  meshed,
});

const CONTROL_PLANE: readonly FixtureWorkload[] = [
  { ...deployment("linkerd", "linkerd-destination", 1), ...http(0.4, [1, 2, 3]) },
  { ...deployment("linkerd", "linkerd-identity", 1), ...http(0.2, [2, 4, 5]) },
  { ...deployment("linkerd", "linkerd-proxy-injector", 1) },
  { ...deployment("linkerd", "metrics-api", 1), ...http(2.1, [3, 8, 12]) },
  { ...deployment("linkerd", "web", 1), ...http(0.5, [4, 9, 14], 0, 0) },
];
const SYSTEM: readonly FixtureWorkload[] = [
  { ...deployment("kube-system", "coredns", 2, 0) },
];

export const SCENARIOS = {
  shop: {
    namespaces: ["default", "kube-system", "linkerd", "logistics", "shop"],
    workloads: [
      { ...deployment("shop", "web", 2), ...http(48.2, [9, 38, 61], 0.033) },
      { ...deployment("shop", "catalog", 3), ...http(64.3, [2, 29, 36]), slowPod: true },
      { ...deployment("shop", "recommend", 2), ...http(32.1, [4, 33, 41]) },
      { ...deployment("shop", "cart", 2), ...http(16.1, [3, 7, 12]) },
      { ...deployment("shop", "payment", 1), ...http(16.1, [5, 11, 19], 0.098) },
      {
        namespace: "shop",
        kind: "statefulset",
        name: "store",
        pods: 1,
        meshed: 1,
        tcp: { open: 4, read: 1_900, written: 2_600 },
      },
      { ...deployment("shop", "load", 1), tcp: { open: 8, read: 31_000, written: 9_000 } },
      { ...deployment("shop", "legacy-tax", 1, 0) },
      { ...deployment("logistics", "orders", 2), ...http(16, [6, 14, 22], 0.004) },
      {
        ...deployment("logistics", "carriers", 2),
        ...http(5.3, [41, 120, 240], 0.021),
        waiting: "ImagePullBackOff",
      },
      {
        namespace: "logistics",
        kind: "daemonset",
        name: "tracking",
        pods: 1,
        meshed: 1,
        ...http(2.4, [1, 2, 2]),
      },
      ...SYSTEM,
      ...CONTROL_PLANE,
    ],
    edges: [
      { from: "shop/load", to: "shop/web", rps: 48.2 },
      { from: "shop/web", to: "shop/catalog", rps: 32.2 },
      { from: "shop/web", to: "shop/recommend", rps: 32.1 },
      { from: "shop/recommend", to: "shop/catalog", rps: 32.1 },
      { from: "shop/web", to: "shop/cart", rps: 16.1 },
      { from: "shop/web", to: "shop/payment", rps: 16.1 },
      { from: "shop/cart", to: "shop/store", open: 4 },
      { from: "shop/payment", to: "shop/legacy-tax", open: 2, noTls: "not_provided_by_service_discovery" },
      { from: "shop/payment", to: "logistics/orders", rps: 14.5 },
      { from: "logistics/orders", to: "logistics/carriers", rps: 5.3 },
      { from: "logistics/orders", to: "logistics/tracking", rps: 2.4 },
      { from: "linkerd/web", to: "linkerd/metrics-api", rps: 2.1 },
    ],
  },
  /** A mesh without an application. */
  empty: {
    namespaces: ["default", "kube-system", "linkerd"],
    workloads: [...CONTROL_PLANE],
    edges: [],
  },
  /** Applications, and none meshed. */
  unmeshed: {
    namespaces: ["default", "kube-system", "linkerd", "shop"],
    workloads: [
      deployment("shop", "web", 2, 0),
      deployment("shop", "catalog", 3, 0),
      deployment("shop", "cart", 2, 0),
      ...SYSTEM,
      ...CONTROL_PLANE,
    ],
    edges: [],
  },
} satisfies Record<string, Scenario> as {
  readonly shop: Scenario;
  readonly empty: Scenario;
  readonly unmeshed: Scenario;
};
