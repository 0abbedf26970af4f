import { createHttpKubeClient } from "../../kube/http_client.ts";
import { testKubeClient } from "../../kube/cases.ts";
import { startApiServer } from "./server.ts";

testKubeClient("in-process client", async (use) => {
  const server = await startApiServer();
  try {
    await use(server.client);
  } finally {
    await server.stop();
  }
});

testKubeClient("HTTP client", async (use) => {
  const server = await startApiServer({ tcp: [{ hostname: "127.0.0.1", port: 0 }] });
  const client = createHttpKubeClient({
    server: `https://127.0.0.1:${server.addresses[0]!.port}`,
    caCertificate: server.caBundle,
    token: server.adminToken,
  });
  try {
    await use(client);
  } finally {
    client.close();
    await server.stop();
  }
});
