/**
 * What the kernel counts for this process: processor time, memory, threads, descriptors.
 * Source: proc(5); names of the Prometheus client guidelines, as proxy.md §13.
 */
import { family } from "./family.ts";
import type { Row } from "./rows.ts";

/** Clock ticks a second: 100 on every Linux (sysconf(_SC_CLK_TCK)). */
const TICKS_PER_SECOND = 100;
/** Bytes of a page where the kernel counts in pages: resident memory is read in KiB instead. */
const KIB = 1024;

export interface ProcFiles {
  /** The text of a file below /proc/self. */
  read(name: string): string;
  /** Open descriptors; 0 where the kernel does not say (before 6.2). */
  openDescriptors(): number;
}

const PROC: ProcFiles = {
  read: (name) => Deno.readTextFileSync(`/proc/self/${name}`),
  // The directory's size is the count since Linux 6.2; counting its entries would take milliseconds.
  openDescriptors: () => Deno.statSync("/proc/self/fd").size,
};

function* gauge(name: string, type: "counter" | "gauge", help: string, value: number): Generator<Row> {
  yield family(name, type, help);
  yield { kind: "value", labels: "", value };
}

/** The rows of this process, read anew. */
export function* processRows(files: ProcFiles = PROC): Generator<Row> {
  // The second field is the program's name in parentheses, which may hold spaces.
  const stat = files.read("stat"), fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const field = (number: number) => Number(fields[number - 3]);
  const seconds = (field(14) + field(15)) / TICKS_PER_SECOND;
  yield* gauge(
    "process_cpu_seconds_total",
    "counter",
    "Total user and system CPU time spent in seconds",
    seconds,
  );
  yield* gauge("process_threads", "gauge", "Number of OS threads in the process", field(20));
  yield* gauge("process_virtual_memory_bytes", "gauge", "Virtual memory size in bytes", field(23));
  const resident = /^VmRSS:\s+(\d+) kB/m.exec(files.read("status"))?.[1];
  if (resident !== undefined) {
    const help = "Resident memory size in bytes";
    yield* gauge("process_resident_memory_bytes", "gauge", help, Number(resident) * KIB);
  }
  const limit = /^Max open files\s+(\d+)/m.exec(files.read("limits"))?.[1];
  if (limit !== undefined) {
    yield* gauge("process_max_fds", "gauge", "Maximum number of open file descriptors", Number(limit));
  }
  const open = files.openDescriptors();
  if (open > 0) yield* gauge("process_open_fds", "gauge", "Number of open file descriptors", open);
}
