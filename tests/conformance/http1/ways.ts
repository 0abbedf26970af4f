/** The ways that the cases take to the application. */
import { endpointAt } from "../../../src/proxy/testing/fake_control.ts";
import { type Pair, SERVER } from "../../../src/proxy/testing/meshed_pair.ts";

const WEB = "web.shop.svc.cluster.local:80";

export interface Way {
  readonly name: string;
  /** @returns the port that the client speaks to */
  prepare(pair: Pair, port: number): number;
}

export const WAYS: readonly Way[] = [
  {
    name: "HTTP/2 between the proxies",
    prepare({ client, server }, port) {
      client.control.endpoints.set(WEB, [
        endpointAt({ ip: "127.0.0.1", port }, SERVER, server.inboundAddress.port),
      ]);
      return client.outboundAddress.port;
    },
  },
  {
    name: "HTTP/1 between the proxies",
    prepare({ client, server }, port) {
      const endpoint = endpointAt({ ip: "127.0.0.1", port }, SERVER, server.inboundAddress.port);
      client.control.endpoints.set(WEB, [{ ...endpoint, hint: "none" }]);
      return client.outboundAddress.port;
    },
  },
  {
    name: "the server's proxy alone",
    prepare({ server }, port) {
      server.redirect("inbound", { ip: "127.0.0.1", port });
      return server.inboundAddress.port;
    },
  },
];
