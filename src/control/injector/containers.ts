/** The containers and volumes the mesh adds to a pod. */
import type { Container, Volume } from "../../kube/kinds.ts";
import {
  DEBUG_CONTAINER,
  IDENTITY_AUDIENCE,
  IDENTITY_DIRECTORY,
  IDENTITY_TOKEN_DIRECTORY,
  IDENTITY_TOKEN_NAME,
  INIT_CONTAINER,
  PROXY_CONTAINER,
  VALIDATOR_CONTAINER,
} from "../../mesh/names.ts";
import { imageOf, pullPolicyOf, type Values } from "../../mesh/values.ts";
import { proxyEnvironment, type ProxyPlace } from "./proxy_env.ts";
import { resourceRequirements } from "./resources.ts";
import { tracingMounts, tracingVolumes } from "./tracing.ts";

type Capabilities = NonNullable<NonNullable<Container["securityContext"]>["capabilities"]>;
type VolumeMount = NonNullable<Container["volumeMounts"]>[number];

export interface PodTraits extends ProxyPlace {
  /** Of the first app container: what the namespace's policy asks for counts for the mesh's containers too. */
  readonly capabilities?: Capabilities;
  /** The app's mount of its service account, for clusters without token projection. */
  readonly serviceAccountMount?: VolumeMount;
}

const SECCOMP = { seccompProfile: { type: "RuntimeDefault" } };
const END_ENTITY_VOLUME = "linkerd-identity-end-entity";
const TOKEN_VOLUME = IDENTITY_TOKEN_NAME;
const LOCK_VOLUME = "linkerd-proxy-init-xtables-lock";

function httpGet(path: string, port: number) {
  return { path, port };
}

function withResources(values: Values): Pick<Container, "resources"> {
  const resources = resourceRequirements(values.proxy.resources);
  return resources === undefined ? {} : { resources };
}

export function proxyContainer(values: Values, traits: PodTraits): Container {
  const { proxy } = values;
  const { admin, inbound } = proxy.ports;
  const isNative = proxy.nativeSidecar;
  const mounts: VolumeMount[] = [{ mountPath: IDENTITY_DIRECTORY, name: END_ENTITY_VOLUME }];
  if (values.identity.serviceAccountTokenProjection) {
    mounts.push({ mountPath: IDENTITY_TOKEN_DIRECTORY, name: TOKEN_VOLUME });
  } else if (traits.serviceAccountMount !== undefined) mounts.push(traits.serviceAccountMount);
  mounts.push(...tracingMounts(values));
  return {
    env: proxyEnvironment(values, traits),
    image: imageOf(proxy.image, values),
    imagePullPolicy: pullPolicyOf(proxy.image, values),
    ...lifecycle(values),
    livenessProbe: { httpGet: httpGet("/live", admin), ...proxy.livenessProbe },
    name: PROXY_CONTAINER,
    ports: [
      { containerPort: inbound, name: "linkerd-proxy" },
      { containerPort: admin, name: "linkerd-admin" },
    ],
    readinessProbe: { httpGet: httpGet("/ready", admin), ...proxy.readinessProbe },
    ...(isNative && proxy.await
      ? { startupProbe: { httpGet: httpGet("/ready", admin), ...proxy.startupProbe } }
      : {}),
    ...withResources(values),
    ...(isNative ? { restartPolicy: "Always" } : {}),
    securityContext: {
      allowPrivilegeEscalation: false,
      ...(traits.capabilities === undefined ? {} : { capabilities: traits.capabilities }),
      readOnlyRootFilesystem: true,
      runAsNonRoot: true,
      runAsUser: proxy.uid,
      ...(proxy.gid >= 0 ? { runAsGroup: proxy.gid } : {}),
      ...SECCOMP,
    },
    terminationMessagePolicy: "FallbackToLogsOnError",
    volumeMounts: mounts,
  };
}

/** A native sidecar starts before and ends after the app by itself; another kind has to be told. */
function lifecycle(values: Values): Pick<Container, "lifecycle"> {
  const { proxy } = values;
  if (proxy.nativeSidecar) return {};
  const hooks: NonNullable<Container["lifecycle"]> = {};
  if (proxy.await) {
    hooks.postStart = {
      exec: {
        command: ["/usr/lib/linkerd/linkerd-await", "--timeout=2m", `--port=${proxy.ports.admin}`],
      },
    };
  }
  if (proxy.waitBeforeExitSeconds > 0) {
    hooks.preStop = { exec: { command: ["/bin/sleep", String(proxy.waitBeforeExitSeconds)] } };
  }
  return Object.keys(hooks).length === 0 ? {} : { lifecycle: hooks };
}

function joinPorts(...lists: (string | number)[]): string {
  return lists.map(String).filter((list) => list !== "").join(",");
}

/** Redirects the pod's traffic to its proxy, once, before anything else runs. */
export function initContainer(values: Values, traits: PodTraits = { inboundPorts: [] }): Container {
  const { proxy, proxyInit } = values;
  const { control, admin, inbound, outbound } = proxy.ports;
  const args = [
    "--iptables-mode",
    proxyInit.iptablesMode,
    ...(values.disableIPv6 ? ["--ipv6=false"] : []),
    "--incoming-proxy-port",
    String(inbound),
    "--outgoing-proxy-port",
    String(outbound),
    "--proxy-uid",
    String(proxy.uid),
    ...(proxy.gid >= 0 ? ["--proxy-gid", String(proxy.gid)] : []),
    "--inbound-ports-to-ignore",
    joinPorts(control, admin, proxyInit.ignoreInboundPorts),
    ...(proxyInit.ignoreOutboundPorts === ""
      ? []
      : ["--outbound-ports-to-ignore", proxyInit.ignoreOutboundPorts]),
    ...(proxyInit.skipSubnets === "" ? [] : ["--subnets-to-ignore", proxyInit.skipSubnets]),
    ...(proxyInit.closeWaitTimeoutSecs > 0
      ? ["--timeout-close-wait-secs", String(proxyInit.closeWaitTimeoutSecs)]
      : []),
    ...(proxyInit.logFormat === "" ? [] : ["--log-format", proxyInit.logFormat]),
    ...(proxyInit.logLevel === "" ? [] : ["--log-level", proxyInit.logLevel]),
  ];
  const needsRoot = proxyInit.runAsRoot || proxyInit.closeWaitTimeoutSecs > 0;
  const isPrivileged = proxyInit.privileged || proxyInit.closeWaitTimeoutSecs > 0;
  return {
    args,
    command: ["/usr/lib/linkerd/linkerd2-proxy-init"],
    image: imageOf(proxy.image, values),
    imagePullPolicy: pullPolicyOf(proxy.image, values),
    name: INIT_CONTAINER,
    ...withResources(values),
    securityContext: {
      allowPrivilegeEscalation: isPrivileged,
      capabilities: {
        ...traits.capabilities,
        add: [...new Set([...traits.capabilities?.add ?? [], "NET_ADMIN", "NET_RAW"])],
      },
      privileged: isPrivileged,
      readOnlyRootFilesystem: true,
      runAsGroup: needsRoot ? 0 : proxyInit.runAsGroup,
      runAsNonRoot: !needsRoot,
      runAsUser: needsRoot ? 0 : proxyInit.runAsUser,
      ...SECCOMP,
    },
    terminationMessagePolicy: "FallbackToLogsOnError",
    volumeMounts: [{ mountPath: "/run", name: LOCK_VOLUME }],
  };
}

/** With the CNI plugin: checks that the redirection it should have made is there. */
export function validatorContainer(values: Values): Container {
  const { networkValidator, proxy } = values;
  const v4 = values.disableIPv6;
  return {
    args: [
      "--log-level",
      networkValidator.logLevel,
      "--connect-addr",
      networkValidator.connectAddr || (v4 ? "1.1.1.1:20001" : "[fd00::1]:20001"),
      "--listen-addr",
      networkValidator.listenAddr || `${v4 ? "0.0.0.0" : "[::]"}:${proxy.ports.outbound}`,
      "--timeout",
      networkValidator.timeout,
    ],
    command: ["/usr/lib/linkerd/linkerd2-network-validator"],
    image: imageOf(proxy.image, values),
    imagePullPolicy: pullPolicyOf(proxy.image, values),
    name: VALIDATOR_CONTAINER,
    ...withResources(values),
    securityContext: {
      allowPrivilegeEscalation: false,
      capabilities: { drop: ["ALL"] },
      readOnlyRootFilesystem: true,
      runAsGroup: 65534,
      runAsNonRoot: true,
      runAsUser: 65534,
      ...SECCOMP,
    },
    terminationMessagePolicy: "FallbackToLogsOnError",
  };
}

export function debugContainer(values: Values): Container {
  const { image } = values.debugContainer;
  return {
    image: imageOf(image, values),
    imagePullPolicy: pullPolicyOf(image, values),
    name: DEBUG_CONTAINER,
    readinessProbe: { exec: { command: ["true"] } },
    terminationMessagePolicy: "FallbackToLogsOnError",
  };
}

/** The lock is for the init container alone; with the CNI plugin there is none. */
export function meshVolumes(values: Values): Volume[] {
  const volumes: Volume[] = values.cniEnabled ? [] : [{ emptyDir: {}, name: LOCK_VOLUME }];
  if (values.identity.serviceAccountTokenProjection) {
    volumes.push({
      name: TOKEN_VOLUME,
      projected: {
        sources: [{
          serviceAccountToken: {
            audience: IDENTITY_AUDIENCE,
            expirationSeconds: 86_400,
            path: IDENTITY_TOKEN_NAME,
          },
        }],
      },
    });
  }
  volumes.push({ emptyDir: { medium: "Memory" }, name: END_ENTITY_VOLUME });
  return [...volumes, ...tracingVolumes(values)];
}
