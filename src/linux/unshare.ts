/**
 * Fresh namespaces for a process of ours, by util-linux's unshare: a user namespace cannot be made by a process with
 * several threads, which every Deno process is.
 */
/** As real root, or as root of a user namespace, where an ordinary user is. */
export type Place = "root" | "user namespace";

/** Where this user would run. */
export function ownPlace(): Place {
  return Deno.uid() === 0 ? "root" : "user namespace";
}

/**
 * Arguments of `unshare`, to be followed by a command: network, mounts and process ids of its own, and an end to all of
 * them when it ends.
 */
export function unshareArguments(place: Place = ownPlace()): string[] {
  const user = place === "root" ? [] : ["--user", "--map-root-user"];
  return [...user, "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"];
}

const WHY = "the pods of the laptop cluster live in namespaces of their own";

/**
 * What keeps a process from being run there: what is missing, why it is needed, how to get it. Undefined for nothing.
 * Costs a process (5 ms).
 */
export function isolationObstacle(place: Place = ownPlace()): string | undefined {
  if (Deno.build.os !== "linux") return `${WHY}, and those exist on Linux only; this is ${Deno.build.os}`;
  if (place === "root" && Deno.uid() !== 0) return "only root can be root";
  try {
    const { success, stderr } = new Deno.Command("unshare", {
      args: [...unshareArguments(place), "true"],
      stdin: "null",
      stdout: "null",
    }).outputSync();
    return success ? undefined : explain(new TextDecoder().decode(stderr).trim(), place);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return `the program \`unshare\` is missing; ${WHY}; install util-linux`;
  }
}

function setting(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(`/proc/sys/${path}`).trim();
  } catch {
    return undefined; // this kernel has no such setting
  }
}

/** Settings by which systems forbid ordinary users their namespaces, with the value that does. */
const SWITCHES = [
  ["kernel/apparmor_restrict_unprivileged_userns", "1", "0"],
  ["kernel/unprivileged_userns_clone", "0", "1"],
  ["user/max_user_namespaces", "0", "10000"],
] as const;

function explain(said: string, place: Place): string {
  const off = place === "root"
    ? undefined
    : SWITCHES.find(([path, forbidding]) => setting(path) === forbidding);
  if (off !== undefined) {
    const name = off[0].replaceAll("/", ".");
    return `this system gives ordinary users no namespaces (${name} is ${off[1]}); ${WHY}; ` +
      `run \`sudo sysctl ${name}=${off[2]}\`, or run this as root`;
  }
  const remedy = place === "root" ? "in a container, start it with --privileged" : "run this as root";
  return `namespaces cannot be made here (${said}); ${WHY}; ${remedy}`;
}
