import { equal } from "node:assert/strict";
import { FIRST_WITH_DESCRIPTOR, handlerCode, layOut, Record, recordAt } from "./watchdog.ts";

const MODULE = new URL("./watchdog.ts", import.meta.url).href;
const OPTIONS = {
  periodMs: 20,
  misses: 3,
  exitCode: 70,
  loops: ["the first", "the second"],
  activities: { 3: "firing timers", [FIRST_WITH_DESCRIPTOR]: "handling an event" },
};

/** Runs a program over the watchdog's module. @returns its exit code and what it wrote to stderr */
async function run(program: string): Promise<[number, string]> {
  const source = `import { recordAt, startWatchdog } from ${JSON.stringify(MODULE)};
    const page = startWatchdog(${JSON.stringify(OPTIONS)});
    const records = [recordAt(page, 0), recordAt(page, 1)];
    const [TURNS, ACTIVITY, DESCRIPTOR, WATCHED] = ${
    JSON.stringify([Record.Turns, Record.Activity, Record.Descriptor, Record.IsWatched])
  };
    ${program}`;
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-config", `data:application/javascript,${encodeURIComponent(source)}`],
    stdout: "null",
    stderr: "piped",
  }).output();
  return [code, new TextDecoder().decode(stderr)];
}

Deno.test("a loop that hangs is named with what it was doing, while another that turns is left alone", async () => {
  const [code, text] = await run(`
    for (const record of records) record[WATCHED] = 1;
    records[1][ACTIVITY] = ${FIRST_WITH_DESCRIPTOR};
    records[1][DESCRIPTOR] = 1234567;
    for (;;) records[0][TURNS]++;`);
  equal(
    text,
    "watchdog: the second has not turned for 0.06 s, while handling an event; the process ends; descriptor 1234567\n",
  );
  equal(code, 70);
});

Deno.test("what has no descriptor is told without one", async () => {
  const [code, text] = await run(`records[0][WATCHED] = 1; records[0][ACTIVITY] = 3; for (;;);`);
  equal(text, "watchdog: the first has not turned for 0.06 s, while firing timers; the process ends\n");
  equal(code, 70);
});

Deno.test("loops that turn, and those that nobody watches, outlive many periods", async () => {
  const [code, text] = await run(`
    records[0][WATCHED] = 1;
    for (const end = Date.now() + 300; Date.now() < end;) records[0][TURNS]++;
    Deno.exit(5);`);
  equal(text, "");
  equal(code, 5);
});

Deno.test("the code counts misses, forgets them at a turn, and gives every register back", () => {
  if (Deno.build.arch !== "x86_64" && Deno.build.arch !== "aarch64") return;
  const data = new Uint8Array(4096), address = BigInt(Deno.UnsafePointer.value(Deno.UnsafePointer.of(data)));
  layOut(new DataView(data.buffer), address, { ...OPTIONS, misses: 1000 });
  const libc = Deno.dlopen("libc.so.6", {
    mmap: { parameters: ["pointer", "usize", "i32", "i32", "i32", "i64"], result: "pointer" },
    mprotect: { parameters: ["pointer", "usize", "i32"], result: "i32" },
    munmap: { parameters: ["pointer", "usize"], result: "i32" },
  });
  const page = libc.symbols.mmap(null, 4096n, 3, 0x22, -1, 0n)!;
  new Uint8Array(Deno.UnsafePointerView.getArrayBuffer(page, 4096)).set(
    handlerCode(Deno.build.arch, address),
  );
  equal(libc.symbols.mprotect(page, 4096n, 5), 0);
  const handle = new Deno.UnsafeFnPointer(page as Deno.PointerObject<never>, {
    parameters: ["i32"],
    result: "void",
  });
  const record = recordAt(address, 1), MISSES = 4;
  record[Record.IsWatched] = 1;
  record[Record.Turns] = 7;
  for (let i = 0; i < 6; i++) handle.call(14);
  equal(record[MISSES], 5, "the first call only learns where the loop is");
  record[Record.Turns] = 8;
  handle.call(14);
  equal(record[MISSES], 0);
  equal(recordAt(address, 0)[MISSES], 0, "not watched");
  libc.symbols.munmap(page, 4096n);
  libc.close();
});
