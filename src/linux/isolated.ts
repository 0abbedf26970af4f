/**
 * Tests that change links, rules or mounts: each runs in a process of its own, in fresh network, mount and process-id
 * namespaces, so that nothing of the machine is touched and nothing is left, even when the test is killed.
 *
 * As root a test runs twice: as real root and inside a user namespace, where an ordinary user is. As an ordinary user
 * once. Where the machine allows no user namespaces the test is ignored and says so.
 */
import { fileURLToPath } from "node:url";

const MARK = "ISOLATED_TEST";
const FLAGS = ["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"];
const USER = ["--user", "--map-root-user"];

/** Where a test may run: as real root, or as root of a user namespace. */
export type Place = "root" | "user namespace";

function probe(flags: string[]): string | undefined {
  if (Deno.build.os !== "linux") return `Linux only, this is ${Deno.build.os}`;
  try {
    const { success, stderr } = new Deno.Command("unshare", { args: [...flags, "true"], stdout: "null" })
      .outputSync();
    return success ? undefined : new TextDecoder().decode(stderr).trim();
  } catch (error) {
    return `unshare of util-linux is missing (${(error as Error).message})`;
  }
}

/** Place → what keeps a test from running there. Asked once per place. */
const obstacles = new Map<Place, string | undefined>();

function obstacleAt(place: Place): string | undefined {
  if (!obstacles.has(place)) {
    const obstacle = place === "root" && Deno.uid() !== 0
      ? "needs root"
      : probe([...(place === "root" ? [] : USER), ...FLAGS]);
    obstacles.set(place, obstacle);
  }
  return obstacles.get(place);
}

/** The flags with which `unshare` makes the namespaces of a place. */
export function unshareFlags(place: Place): string[] {
  return [...(place === "root" ? [] : USER), ...FLAGS];
}

/**
 * Registers a test that runs isolated.
 * @param url `import.meta.url` of the test file: it is run again inside the namespaces, for this test only
 */
export function isolatedTest(name: string, url: string, body: (place: Place) => void | Promise<void>): void {
  const inside = Deno.env.get(MARK) as Place | undefined;
  if (inside !== undefined) {
    Deno.test(name, () => body(inside));
    return;
  }
  for (const place of ["root", "user namespace"] as const) {
    if (place === "root" && Deno.uid() !== 0) continue;
    const obstacle = obstacleAt(place);
    if (obstacle !== undefined) console.error(`ignored: "${name}" as ${place}: ${obstacle}`);
    Deno.test({
      name: `${name} (${place})`,
      ignore: obstacle !== undefined,
      fn: () => runInside(name, url, place),
    });
  }
}

async function runInside(name: string, url: string, place: Place): Promise<void> {
  const exact = `/^${name.replace(/[.*+?^${}()|[\]\\\/]/g, "\\$&")}$/`;
  const { success, stdout, stderr } = await new Deno.Command("unshare", {
    args: [
      ...unshareFlags(place),
      Deno.execPath(),
      "test",
      "--allow-all",
      "--no-check",
      "--filter",
      exact,
      fileURLToPath(url),
    ],
    env: { [MARK]: place, NO_COLOR: "1" },
  }).output();
  const text = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  if (!success || !/1 passed/.test(text)) throw new Error(`inside the namespaces:\n${text}`);
}
