import { deepEqual, ok } from "node:assert/strict";
import { processRows } from "./process_rows.ts";
import { rowsText } from "../testing/metrics_text.ts";

function values(rows: Iterable<import("./rows.ts").Row>): Map<string, number> {
  const lines = rowsText(rows).split("\n").filter((line) => line !== "" && line[0] !== "#");
  return new Map(lines.map((line) => [line.split(" ")[0]!, Number(line.split(" ")[1])]));
}

Deno.test("the kernel's counts are told in seconds and bytes, whatever the program is called", () => {
  const files: Record<string, string> = {
    stat: "17 (a) b (c) S 1 17 17 0 -1 4194560 9 0 0 0 250 50 0 0 20 0 7 0 1000 104857600 5000 " +
      "18446744073709551615 1 1 0 0",
    status: "Name:\ta\nVmRSS:\t   20480 kB\n",
    limits: "Limit                     Soft Limit           Hard Limit           Units\n" +
      "Max open files            20000                20000                files\n",
  };
  const told = values(processRows({ read: (name) => files[name]!, openDescriptors: () => 42 }));
  deepEqual(Object.fromEntries(told), {
    process_cpu_seconds_total: 3,
    process_threads: 7,
    process_virtual_memory_bytes: 104857600,
    process_resident_memory_bytes: 20971520,
    process_max_fds: 20000,
    process_open_fds: 42,
  });
});

Deno.test("this very process can be told", () => {
  const told = values(processRows());
  ok(told.get("process_resident_memory_bytes")! > 1e6);
  ok(told.get("process_virtual_memory_bytes")! > told.get("process_resident_memory_bytes")!);
  ok(told.get("process_threads")! >= 1);
  ok(told.get("process_cpu_seconds_total")! > 0);
});
