/** Both policy APIs over a Kubernetes API in memory, asked as proxies ask. */
import { type Authz, InboundServerPoliciesDefinition } from "../../../proto/gen/inbound.ts";
import { OutboundPoliciesDefinition, type OutboundPolicy } from "../../../proto/gen/outbound.ts";
import { GrpcClient } from "../grpc/client.ts";
import type { GrpcServer } from "../grpc/server.ts";
import { policyConfig, servePolicy } from "../policy/role.ts";
import { Flags } from "../process/flags.ts";
import { ClusterState } from "../state/cluster_state.ts";
import { formatIp, tcpAddress } from "../wire/address.ts";
import { FakeKube } from "./fake_kube.ts";
import { StreamReader } from "./stream_reader.ts";

export class PolicyHarness {
  readonly kube = new FakeKube();
  #state!: ClusterState;
  #server!: GrpcServer;
  #inbound!: GrpcClient<typeof InboundServerPoliciesDefinition>;
  #outbound!: GrpcClient<typeof OutboundPoliciesDefinition>;
  readonly #readers: { cancel(): void }[] = [];

  async start(flags: string[] = []): Promise<this> {
    this.#state = new ClusterState(this.kube);
    const { server, port } = await servePolicy(this.#state, policyConfig(new Flags(flags)), 0, {});
    this.#server = server;
    this.#inbound = new GrpcClient(InboundServerPoliciesDefinition, `127.0.0.1:${port}`);
    this.#outbound = new GrpcClient(OutboundPoliciesDefinition, `127.0.0.1:${port}`);
    return this;
  }

  port(podName: string, port: number) {
    return this.#inbound.call("getPort", { workload: JSON.stringify({ ns: "shop", pod: podName }), port });
  }

  watchPort(podName: string, port: number) {
    const workload = JSON.stringify({ ns: "shop", pod: podName });
    const reader = new StreamReader(this.#inbound.stream("watchPort", { workload, port }));
    this.#readers.push(reader);
    return reader;
  }

  towards(ip: string, port: number, clientNamespace = "shop"): Promise<OutboundPolicy> {
    return this.#outbound.call("get", {
      sourceWorkload: JSON.stringify({ ns: clientNamespace, pod: "client" }),
      target: { $case: "addr", value: tcpAddress(ip, port) },
    });
  }

  towardsName(authority: string): Promise<OutboundPolicy> {
    return this.#outbound.call("get", {
      sourceWorkload: "shop:client",
      target: { $case: "authority", value: authority },
    });
  }

  watchAddress(ip: string, port: number, clientNamespace = "shop") {
    const reader = new StreamReader(this.#outbound.stream("watch", {
      sourceWorkload: `${clientNamespace}:client`,
      target: { $case: "addr", value: tcpAddress(ip, port) },
    }));
    this.#readers.push(reader);
    return reader;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const reader of this.#readers) reader.cancel();
    this.#inbound.close();
    this.#outbound.close();
    await this.#server.stop(100);
    this.#state.stop();
  }
}

/** An authorization in one line: `name: clients from networks`. */
export function show(authz: Authz): string {
  const networks = authz.networks.map(({ net, except }) =>
    `${formatIp(net?.ip)}/${net?.prefixLen}${
      except.map((one) => ` but ${formatIp(one.ip)}/${one.prefixLen}`).join("")
    }`
  );
  const permit = authz.authentication?.permit;
  let who = "anyone";
  if (permit?.$case === "meshTLS") {
    const clients = permit.value.clients;
    who = clients?.$case === "identities"
      ? [
        ...clients.value.identities.map((one) => one.name),
        ...clients.value.suffixes.map((one) => ["*", ...one.parts].join(".")),
      ].join(" ")
      : "TLS";
  }
  return `${authz.labels.kind} ${authz.labels.name}: ${who} from ${networks.join(" ")}`;
}
