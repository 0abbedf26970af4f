/**
 * Tests that change links, rules or mounts: each runs in a process of its own, in fresh network, mount and process-id
 * namespaces, so that nothing of the machine is touched and nothing is left, even when the test is killed.
 *
 * As root a test runs twice: as real root and inside a user namespace, where an ordinary user is. As an ordinary user
 * once. Where the machine allows no user namespaces the test is ignored and says so.
 */
import { fileURLToPath } from "node:url";
import { isolationObstacle, type Place, unshareArguments } from "./unshare.ts";

const MARK = "ISOLATED_TEST";

/** Place → what keeps a test from running there. Asked once per place. */
const obstacles = new Map<Place, string | undefined>();

function obstacleAt(place: Place): string | undefined {
  if (!obstacles.has(place)) obstacles.set(place, isolationObstacle(place));
  return obstacles.get(place);
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
      ...unshareArguments(place),
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
