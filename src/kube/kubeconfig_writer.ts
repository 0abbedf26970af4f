/** Writes tokens back to a kubeconfig, as kubectl does; everything else in the file stays as it is, comments too. */
import { isMap, isSeq } from "yaml";

/**
 * Sets keys of `users[name].user.auth-provider.config`.
 * @throws Error when the user is no longer there, or the file cannot be written
 */
export async function writeAuthProvider(
  path: string,
  userName: string,
  changes: Readonly<Record<string, string>>,
): Promise<void> {
  const { parseDocument } = await import("./yaml.ts");
  const document = parseDocument(await Deno.readTextFile(path));
  const users = document.get("users");
  const index = isSeq(users)
    ? users.items.findIndex((item) => isMap(item) && item.get("name") === userName)
    : -1;
  if (index < 0) throw new Error(`${path} has no user "${userName}" any more`);
  for (const [key, value] of Object.entries(changes)) {
    document.setIn(["users", index, "user", "auth-provider", "config", key], value);
  }
  // A new file in the same place: who reads meanwhile sees the one or the other, whole.
  const { mode } = await Deno.stat(path), next = `${path}.${crypto.randomUUID()}`;
  await Deno.writeTextFile(next, document.toString(), { mode: (mode ?? 0o600) & 0o777 });
  await Deno.rename(next, path);
}
