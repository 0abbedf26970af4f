import assert from "node:assert/strict";
import { LogFile, type LogOptions, type ReadOptions } from "./log_file.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const read = (log: LogFile, options?: ReadOptions) => new Response(log.read(options)).text();

async function withLog(
  body: (log: LogFile, path: string) => Promise<void>,
  options?: LogOptions,
): Promise<void> {
  const directory = Deno.makeTempDirSync();
  const log = new LogFile(`${directory}/0.log`, options);
  try {
    await body(log, `${directory}/0.log`);
  } finally {
    log.close();
    Deno.removeSync(directory, { recursive: true });
  }
}

Deno.test("lines are read as they were written, however they were cut", () =>
  withLog(async (log) => {
    for (const part of ["on", "e\ntw", "o\n", "thr"]) log.write("stdout", bytes(part));
    assert.equal(await read(log), "one\ntwo\n");
    assert.equal(await read(log, { tailLines: 1 }), "two\n");
    assert.equal(await read(log, { tailLines: 0 }), "");
    assert.equal(await read(log, { limitBytes: 6 }), "one\ntw");
    log.close();
    assert.equal(await read(log), "one\ntwo\nthr\n", "the last line is kept when the container ends");
  }));

Deno.test("a follower gets what is there and what comes, once each, until the end", () =>
  withLog(async (log) => {
    log.write("stdout", bytes("before\n"));
    const following = read(log, { follow: true });
    log.write("stderr", bytes("after\n"));
    log.close();
    assert.equal(await following, "before\nafter\n");
  }));

Deno.test("a follower can leave", () =>
  withLog(async (log) => {
    const leaving = new AbortController();
    const following = read(log, { follow: true, signal: leaving.signal });
    log.write("stdout", bytes("seen\n"));
    leaving.abort();
    log.write("stdout", bytes("not seen\n"));
    assert.equal(await following, "seen\n");
  }));

Deno.test("times are kept, shown and searched", () =>
  withLog(async (log) => {
    log.write("stdout", bytes("old\n"), new Date("2026-01-01T00:00:00Z"));
    log.write("stderr", bytes("new\n"), new Date("2026-01-01T00:00:09Z"));
    assert.equal(await read(log, { sinceTime: new Date("2026-01-01T00:00:05Z") }), "new\n");
    assert.equal(
      await read(log, { timestamps: true }),
      "2026-01-01T00:00:00.000Z old\n2026-01-01T00:00:09.000Z new\n",
    );
    assert.equal(await read(log, { sinceSeconds: 60 }), "");
  }));

Deno.test("a log stays within its bound and keeps the newest", () =>
  withLog(async (log, path) => {
    for (let i = 0; i < 1000; i++) log.write("stdout", bytes(`line ${i}\n`));
    const size = Deno.statSync(path).size + Deno.statSync(`${path}.1`).size;
    assert.ok(size <= 2 * 4200, `${size} bytes`);
    const text = await read(log);
    assert.ok(text.endsWith("line 998\nline 999\n"));
    assert.ok(!text.includes("line 0\n"));
    assert.equal(log.tail(2, 100), "line 998\nline 999\n");
  }, { fileBytes: 4096 }));

Deno.test("an endless line is kept in parts and read as one", () =>
  withLog(async (log) => {
    log.write("stdout", bytes("x".repeat(40_000)));
    log.write("stdout", bytes("y\n"));
    const text = await read(log);
    assert.equal(text.length, 40_002);
    assert.ok(text.endsWith("xy\n"));
  }));
