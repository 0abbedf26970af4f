import assert from "node:assert/strict";
import { FlagError, Flags } from "./flags.ts";

Deno.test("flags are read in every spelling Linkerd's manifests have", () => {
  const flags = new Flags([
    "--addr=:8086",
    "-log-level",
    "debug",
    "-enable-pprof",
    "--list=a, b,,c",
    "--life=1h30m",
  ]);
  assert.equal(flags.port("addr", 1), 8086);
  assert.equal(flags.string("log-level", "info"), "debug");
  assert.equal(flags.boolean("enable-pprof", false), true);
  assert.deepEqual(flags.list("list", ""), ["a", "b", "c"]);
  assert.equal(flags.duration("life", "1s"), 5_400_000);
  assert.equal(flags.number("count", 7), 7);
  flags.refuseUnknown();
});

Deno.test("what cannot be read, and what nobody knows, is refused by name", () => {
  assert.throws(() => new Flags(["stray"]), FlagError);
  assert.throws(() => new Flags(["--addr=x"]).port("addr", 1), /--addr/);
  assert.throws(() => new Flags(["--addr=:70000"]).port("addr", 1), /--addr/);
  assert.throws(() => new Flags(["--life=soon"]).duration("life", "1s"), /--life/);
  assert.throws(() => new Flags(["--on=maybe"]).boolean("on", true), /--on/);
  assert.throws(() => new Flags(["--count="]).number("count", 1), /--count/);
  const flags = new Flags(["--adr=:1"]);
  flags.port("addr", 1);
  assert.throws(() => flags.refuseUnknown(), /unknown flag --adr; known: --addr/);
});
