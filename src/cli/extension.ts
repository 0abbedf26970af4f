/** Commands of other programs: `linkerd foo` runs `linkerd-foo` of the PATH, when there is no such command here. */
import { delimiter, join } from "node:path";

function isExecutable(path: string): boolean {
  try {
    const { isFile, mode } = Deno.statSync(path);
    return isFile && (mode === null || (mode & 0o111) !== 0);
  } catch {
    return false; // not there, or not ours to see: then it is not ours to run either
  }
}

/** The first `linkerd-<name>` on the PATH. */
export function findExtension(name: string, path: string | undefined): string | undefined {
  if (!/^[a-z0-9][a-z0-9._-]*$/i.test(name)) return undefined;
  for (const directory of (path ?? "").split(delimiter)) {
    const candidate = join(directory || ".", `linkerd-${name}`);
    if (isExecutable(candidate)) return candidate;
  }
  return undefined;
}

/** All extensions on the PATH, by name; the first of a name wins. */
export function listExtensions(path: string | undefined): Map<string, string> {
  const found = new Map<string, string>();
  for (const directory of (path ?? "").split(delimiter)) {
    let names: string[];
    try {
      names = [...Deno.readDirSync(directory || ".")].map(({ name }) => name)
        .filter((name) => name.startsWith("linkerd-"));
    } catch {
      continue; // a directory of the PATH that is not there is no news
    }
    for (const name of names.sort()) {
      const file = join(directory || ".", name), short = name.slice("linkerd-".length);
      if (short !== "" && !found.has(short) && isExecutable(file)) found.set(short, file);
    }
  }
  return found;
}
