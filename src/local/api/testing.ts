/** An API server for one test, and requests to it as its administrator or with a token of one's own. */
import type { KubeClient } from "../../kube/client.ts";
import { createHttpKubeClient, type HttpKubeClient } from "../../kube/http_client.ts";
import { NAMESPACES, PODS, SERVICE_ACCOUNTS } from "../../kube/kinds.ts";
import { COMPONENT_LABEL } from "../../mesh/labels.ts";
import { type ApiServer, type ApiServerOptions, startApiServer } from "./server.ts";

export async function withServer(
  options: ApiServerOptions,
  use: (server: ApiServer) => Promise<void>,
): Promise<void> {
  const server = await startApiServer(options);
  try {
    await use(server);
  } finally {
    await server.stop();
  }
}

export function request(
  server: ApiServer,
  path: string,
  init: RequestInit & { token?: string } = {},
): Promise<Response> {
  const headers = new Headers(init.headers);
  const { token = server.adminToken } = init;
  if (token !== "" && !headers.has("authorization")) headers.set("authorization", `Bearer ${token}`);
  return server.handle(new Request(`https://127.0.0.1${path}`, { ...init, headers }));
}

/** An API server behind TLS on loopback, and clients of its administrator over the network. */
export async function withNetwork(
  use: (connect: () => HttpKubeClient, server: ApiServer) => Promise<void>,
): Promise<void> {
  await withServer({ tcp: [{ hostname: "127.0.0.1", port: 0 }] }, async (server) => {
    const clients: HttpKubeClient[] = [];
    const connect = () => {
      const client = createHttpKubeClient({
        server: `https://127.0.0.1:${server.addresses[0]!.port}`,
        caCertificate: server.caBundle,
        token: server.adminToken,
      });
      clients.push(client);
      return client;
    };
    try {
      await use(connect, server);
    } finally {
      for (const client of clients) client.close();
    }
  });
}

/** A pod that runs as a component of the control plane, on loopback; ready when `isReady`. */
export async function putComponent(client: KubeClient, component: string, isReady: boolean): Promise<void> {
  const name = `${component}-1`, namespace = "linkerd";
  if ((await client.list(NAMESPACES)).items.every(({ metadata }) => metadata?.name !== namespace)) {
    await client.create(NAMESPACES, { metadata: { name: namespace } });
    await client.create(SERVICE_ACCOUNTS, { metadata: { name: "default", namespace } });
    const metadata = { name, namespace, labels: { [COMPONENT_LABEL]: component } };
    await client.create(PODS, { metadata, spec: { containers: [{ name: component, image: "x" }] } });
  }
  const conditions = [{ type: "Ready", status: isReady ? "True" : "False" }];
  const status = { podIP: "127.0.0.1", conditions };
  await client.patch(PODS, name, namespace, { status }, { type: "merge", subresource: "status" });
}
