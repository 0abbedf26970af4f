/** Short ways to the Kubernetes objects that tests need. */
import type { EndpointSlice, Pod, Service } from "../../kube/kinds.ts";

export interface PodSketch {
  name: string;
  namespace?: string;
  ip?: string;
  node?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  serviceAccount?: string;
  ports?: { name?: string; containerPort: number; hostPort?: number }[];
  isMeshed?: boolean;
  hostIp?: string;
  probe?: { path: string; port: number | string };
  uid?: string;
}

export function pod(sketch: PodSketch): Pod {
  return {
    metadata: {
      name: sketch.name,
      namespace: sketch.namespace ?? "shop",
      labels: {
        ...(sketch.isMeshed === true ? { "linkerd.io/control-plane-ns": "linkerd" } : {}),
        ...sketch.labels,
      },
      annotations: sketch.annotations ?? {},
      ...(sketch.uid === undefined ? {} : { uid: sketch.uid }),
    },
    spec: {
      nodeName: sketch.node ?? "node-1",
      serviceAccountName: sketch.serviceAccount ?? "default",
      containers: [{
        name: "app",
        image: "app:1",
        ports: sketch.ports ?? [],
        ...(sketch.probe === undefined
          ? {}
          : { readinessProbe: { httpGet: { path: sketch.probe.path, port: sketch.probe.port } } }),
      }],
    },
    status: {
      phase: "Running",
      ...(sketch.ip === undefined ? {} : { podIP: sketch.ip, podIPs: [{ ip: sketch.ip }] }),
      ...(sketch.hostIp === undefined ? {} : { hostIP: sketch.hostIp }),
      conditions: [{ type: "Ready", status: "True" }],
    },
  };
}

export interface ServiceSketch {
  name: string;
  namespace?: string;
  ip?: string;
  ports?: { name?: string; port: number; targetPort?: number; appProtocol?: string }[];
  annotations?: Record<string, string>;
  spec?: Partial<NonNullable<Service["spec"]>>;
}

export function service(sketch: ServiceSketch): Service {
  return {
    metadata: {
      name: sketch.name,
      namespace: sketch.namespace ?? "shop",
      annotations: sketch.annotations ?? {},
    },
    spec: {
      ...(sketch.ip === undefined ? {} : { clusterIP: sketch.ip, clusterIPs: [sketch.ip] }),
      ports: sketch.ports ?? [{ port: 80, targetPort: 8080 }],
      ...sketch.spec,
    },
  };
}

export function slice(
  serviceName: string,
  endpoints: {
    pod?: string;
    ip: string;
    isReady?: boolean;
    hostname?: string;
    zone?: string;
    zones?: string[];
    node?: string;
  }[],
  options: {
    namespace?: string;
    name?: string;
    ports?: { name?: string; port: number }[];
    annotations?: Record<string, string>;
  } = {},
): EndpointSlice {
  const namespace = options.namespace ?? "shop";
  return {
    metadata: {
      name: options.name ?? `${serviceName}-1`,
      namespace,
      labels: { "kubernetes.io/service-name": serviceName },
      annotations: options.annotations ?? {},
    },
    addressType: endpoints[0]?.ip.includes(":") ? "IPv6" : "IPv4",
    ports: options.ports ?? [{ port: 8080 }],
    endpoints: endpoints.map((one) => ({
      addresses: [one.ip],
      conditions: { ready: one.isReady ?? true },
      ...(one.hostname === undefined ? {} : { hostname: one.hostname }),
      ...(one.zone === undefined ? {} : { zone: one.zone }),
      ...(one.node === undefined ? {} : { nodeName: one.node }),
      ...(one.zones === undefined ? {} : { hints: { forZones: one.zones.map((name) => ({ name })) } }),
      ...(one.pod === undefined ? {} : { targetRef: { kind: "Pod", name: one.pod, namespace } }),
    })),
  };
}
