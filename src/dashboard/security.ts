/**
 * Headers of every answer, and whom the dashboard answers at all.
 *
 * It shows a cluster's inside without asking who reads it, as Linkerd's does: access is by port-forward, or behind an
 * ingress that authenticates. So that no foreign site can read it through a reader's own browser, it is answered under
 * known names only (a foreign name that was made to point here is refused), and nothing of it may be framed.
 */
import type { Middleware } from "fresh";

const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join("; ");

const HEADERS: Readonly<Record<string, string>> = {
  "content-security-policy": CONTENT_SECURITY_POLICY,
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), geolocation=(), microphone=()",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
};

/** Adds the headers to whatever is answered; what is not an asset is not kept either. */
export const securityHeaders: Middleware<unknown> = async (context) => {
  const answer = await context.next();
  for (const [name, value] of Object.entries(HEADERS)) answer.headers.set(name, value);
  if (!answer.headers.has("cache-control")) answer.headers.set("cache-control", "no-store");
  return answer;
};

/** @param hosts a regular expression over the whole Host header without its port. Throws for one that is none */
export function enforceHost(hosts: string): Middleware<unknown> {
  const allowed = new RegExp(`^(?:${hosts})$`);
  return (context) => {
    const host = (context.req.headers.get("host") ?? "").replace(/:\d+$/, "");
    if (allowed.test(host) || context.url.pathname === "/healthz") return context.next();
    return new Response(
      `The dashboard is not served under the name ${JSON.stringify(host)} [host-refused].\n\n` +
        `Why: a foreign site could otherwise read your cluster through your browser (DNS rebinding).\n` +
        `What now: open it by address or port-forward, or allow the name with ` +
        `--enforced-host='<regular expression>' on the container "web".\n`,
      { status: 403 },
    );
  };
}
