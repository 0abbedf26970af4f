/** Processes of a node's pods, as this side of its process namespace numbers them. */
import type { Pod } from "../../../src/kube/kinds.ts";

/** Every process of a pod: its containers' and the one that keeps its namespaces. */
export function processesOf({ metadata }: Pod): number[] {
  const pids: number[] = [];
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      if (Deno.readTextFileSync(`/proc/${name}/cgroup`).includes(`pod${metadata!.uid}`)) {
        pids.push(Number(name));
      }
    } catch (error) {
      // It ended while the list was read.
      if (!(error instanceof Deno.errors.NotFound) && !/os error 3/.test(String(error))) throw error;
    }
  }
  return pids;
}

/** What a process has for itself alone, in bytes; 0 for one that has ended. */
export function privateBytesOf(pid: number): number {
  let text: string;
  try {
    text = Deno.readTextFileSync(`/proc/${pid}/smaps_rollup`);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || /os error 3/.test(String(error))) return 0;
    throw error;
  }
  const kilobytes = [...text.matchAll(/^Private_(?:Clean|Dirty):\s+(\d+) kB$/gm)].map(([, count]) =>
    Number(count)
  );
  return kilobytes.reduce((sum, count) => sum + count, 0) * 1024;
}

/** What it was started as. */
export function commandOf(pid: number): string {
  return Deno.readTextFileSync(`/proc/${pid}/cmdline`).replaceAll("\0", " ").trim();
}
