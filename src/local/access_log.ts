/**
 * Who asked the API server for what, each once: a file of JSON lines that shows whether an account's roles are enough,
 * and whether they are more than it uses. A small audit log; Kubernetes' own tells every request.
 */
import type { AccessListener } from "./api/http/resources.ts";

/** One line. */
export interface Access {
  readonly user: string;
  readonly verb: string;
  readonly group: string;
  /** With its subresource: `pods/log`. */
  readonly resource: string;
  /** Left out for requests across namespaces. */
  readonly namespace?: string;
  readonly isAllowed: boolean;
}

/** Lines beyond are not kept: nothing legitimate asks for that many different things. */
const MAX_LINES = 20_000;

/** A listener that writes to `path`. */
export function accessLog(path: string): AccessListener {
  const seen = new Set<string>();
  Deno.writeTextFileSync(path, "", { mode: 0o600 });
  return (user, { verb = "", group = "", resource = "", subresource, namespace }, isAllowed) => {
    if (user.groups?.includes("system:masters") || seen.size >= MAX_LINES) return;
    const access: Access = {
      user: user.username,
      verb,
      group,
      resource: subresource === undefined ? resource : `${resource}/${subresource}`,
      ...(namespace === undefined ? {} : { namespace }),
      isAllowed,
    };
    const line = JSON.stringify(access);
    if (seen.has(line)) return;
    seen.add(line);
    Deno.writeTextFileSync(path, `${line}\n`, { append: true });
  };
}

/** What a log holds. */
export function readAccessLog(path: string): Access[] {
  const lines = Deno.readTextFileSync(path).split("\n").filter((line) => line !== "");
  return lines.map((line) => JSON.parse(line) as Access);
}
