/** An API server for one test, and requests to it as its administrator or with a token of one's own. */
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
