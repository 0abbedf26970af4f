/**
 * The processes of a laptop cluster as the machine sees them: which there are, whose they are, what they hold open.
 * Pods are processes in namespaces of their own, and so all of them are below the cluster's own process in /proc.
 */

export interface MachineProcess {
  readonly pid: number;
  /** The pod it belongs to; empty for the node's own. */
  readonly pod: string;
  /** Of its command line. */
  readonly program: "proxy" | "controller" | "application" | "node" | "other";
}

function read(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return ""; // the process has just ended, which is for the caller to see
  }
}

/** A field of /proc/PID/stat by its number in proc(5), from the third on; NaN when the process is gone. */
function statField(pid: number | string, field: number): number {
  // The name may hold spaces and parentheses: what follows the last one is in fixed order.
  const stat = read(`/proc/${pid}/stat`);
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[field - 3] || NaN);
}

const parentOf = (pid: string): number => statField(pid, 4);

/** When a process started, in hundredths of a second since the machine did; NaN when it is gone. */
export const startedAt = (pid: number): number => statField(pid, 22);

/** Now, by the same clock. */
export const now = (): number => Number(read("/proc/uptime").split(" ")[0]) * 100;

const PROGRAMS = [
  ["/proxy.js", "proxy"],
  ["/controller/main.js", "controller"],
  ["/demo.js", "application"],
  [
    "/node/node.js",
    "node",
  ],
] as const;

function describe(pid: number): MachineProcess {
  const command = read(`/proc/${pid}/cmdline`), environment = read(`/proc/${pid}/environ`).split("\0");
  const program =
    PROGRAMS.find(([script]) => command.split("\0").some((word) => word.endsWith(script)))?.[1] ??
      "other";
  const pod = program === "node" || program === "other"
    ? ""
    : environment.find((line) => line.startsWith("HOSTNAME="))?.slice("HOSTNAME=".length) ?? "";
  return { pid, pod, program };
}

/** Every process below `root`, itself included. */
export function processesBelow(root: number): MachineProcess[] {
  const children = new Map<number, number[]>();
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const parent = parentOf(name);
    children.set(parent, [...children.get(parent) ?? [], Number(name)]);
  }
  const found = [root];
  for (let at = 0; at < found.length; at++) found.push(...children.get(found[at]!) ?? []);
  return found.map(describe);
}

/** How many descriptors a process has open; -1 when it is gone. */
export function descriptorsOf(pid: number): number {
  try {
    return [...Deno.readDirSync(`/proc/${pid}/fd`)].length;
  } catch {
    return -1;
  }
}

/** What they are, counted by kind: `socket 12, anon_inode:[eventpoll] 1`. */
export function describeDescriptors(pid: number): string {
  const kinds = new Map<string, number>();
  try {
    for (const { name } of Deno.readDirSync(`/proc/${pid}/fd`)) {
      const kind = Deno.readLinkSync(`/proc/${pid}/fd/${name}`).replace(/:\[\d+\]$/, "");
      kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    }
  } catch {
    return "it is gone";
  }
  return [...kinds].map(([kind, count]) => `${kind} ${count}`).join(", ");
}

const NAMESPACES = ["net", "mnt", "pid", "uts", "user"] as const;

/** The namespaces of a process: `net:[4026532000]` and so on. */
export function namespacesOf(pid: number | "self"): string[] {
  return NAMESPACES.flatMap((kind) => {
    try {
      return [Deno.readLinkSync(`/proc/${pid}/ns/${kind}`)];
    } catch {
      return []; // it is gone, or it is somebody else's
    }
  });
}
