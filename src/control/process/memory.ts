/**
 * Gives back what start-up and bursts leave behind: compiling the bundle alone leaves some 40 MB of free pages in the C
 * library's arenas, which would stay for as long as the controller runs.
 */
import process from "node:process";
import { collectGarbage, trimHeap } from "../../linux/heap.ts";
import { MemoryKeeper } from "../../linux/memory_keeper.ts";

const INTERVAL_MS = 1000;

/** Looks once a second how busy the process was, by its processor time; ends with the process. */
export function keepMemorySmall(): void {
  const keeper = new MemoryKeeper({ collect: collectGarbage, trim: trimHeap });
  const milliseconds = () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  };
  Deno.unrefTimer(setInterval(() => keeper.tick(milliseconds()), INTERVAL_MS));
}
