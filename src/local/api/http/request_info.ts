/** What a path of the API means. */

export interface ResourceRequest {
  group: string;
  version: string;
  plural: string;
  namespace: string | undefined;
  name: string | undefined;
  subresource: string | undefined;
  /** What follows the subresource: the path behind `proxy`. */
  rest: string;
}

/** @returns undefined for a path that names no resource; broken escapes too */
export function parseResourcePath(path: string): ResourceRequest | undefined {
  const raw = path.split("/").slice(1);
  let parts: string[];
  try {
    parts = raw.map(decodeURIComponent);
  } catch {
    // Malformed percent-encoding: no such path.
    return undefined;
  }
  let group = "";
  if (parts[0] === "api") parts = parts.slice(1);
  else if (parts[0] === "apis") {
    group = parts[1] ?? "";
    parts = parts.slice(2);
    if (group === "") return undefined;
  } else return undefined;
  const [version, first, second, third, ...others] = parts;
  if (!version || !first) return undefined;
  const isInNamespace = first === "namespaces" && third !== undefined && third !== "" &&
    !(group === "" && (third === "finalize" || third === "status") && others.length === 0);
  const at = raw.length - parts.length;
  if (isInNamespace) {
    const [name, subresource] = others;
    return {
      group,
      version,
      plural: third,
      namespace: second,
      name: name || undefined,
      subresource: subresource || undefined,
      rest: raw.slice(at + 6).join("/"),
    };
  }
  return {
    group,
    version,
    plural: first,
    namespace: undefined,
    name: second || undefined,
    subresource: third || undefined,
    rest: raw.slice(at + 4).join("/"),
  };
}
