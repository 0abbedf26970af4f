import { testKubeClient } from "../../kube/cases.ts";
import { startApiServer } from "./server.ts";
import { withNetwork } from "./testing.ts";

testKubeClient("in-process client", async (use) => {
  const server = await startApiServer();
  try {
    await use(server.client);
  } finally {
    await server.stop();
  }
});

testKubeClient("HTTP client", (use) => withNetwork((connect) => use(connect())));
