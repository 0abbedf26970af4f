/** How many descriptors this process may have open. Source: proc_pid_limits(5), getrlimit(2). */

/** @returns Infinity when there is no limit, or it cannot be read */
export function descriptorLimit(): number {
  let limits: string;
  try {
    limits = Deno.readTextFileSync("/proc/self/limits");
  } catch {
    return Infinity; // no /proc: what the system refuses is still seen, when it does
  }
  const soft = /^Max open files\s+(\d+)/m.exec(limits)?.[1];
  return soft === undefined ? Infinity : Number(soft);
}
