/** `fetch` as the shop's services use it: connections that nothing uses for a while are closed, as most clients do. */

const client = Deno.createHttpClient({ poolIdleTimeout: 5000 });

export function request(url: string, init: RequestInit = {}): Promise<Response> {
  const withClient: RequestInit & { client: Deno.HttpClient } = { ...init, client };
  return fetch(url, withClient);
}
