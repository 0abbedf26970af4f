import assert from "node:assert/strict";
import { addressFlag, durationFlag, readFlags } from "./flags.ts";
import { UsageError } from "./options.ts";
import { NOT_REDIRECTED, runValidator } from "./validator.ts";
import { runAwait } from "./await.ts";

/** A port that was free a moment ago. */
function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  return port;
}

async function validate(...args: string[]): Promise<{ code: number; log: string }> {
  const lines: string[] = [];
  const code = await runValidator(args, (line) => lines.push(line));
  return { code, log: lines.join("\n") };
}

Deno.test("a connection that comes back to the validator proves redirection", async () => {
  const own = `127.0.0.1:${freePort()}`;
  const { code, log } = await validate("--connect-addr", own, "--listen-addr", own, "--timeout", "5s");
  assert.equal(code, 0, log);
});

Deno.test("a connection that is refused proves that there is no redirection", async () => {
  const args = ["--connect-addr", `127.0.0.1:${freePort()}`, "--listen-addr", `127.0.0.1:${freePort()}`];
  const { code, log } = await validate(...args, "--timeout=5s");
  assert.equal(code, NOT_REDIRECTED);
  assert.match(log, /not redirected to its proxy .*refused.*is the linkerd-cni plugin installed/);
});

Deno.test("a connection that another server answers proves that there is no redirection", async () => {
  const other = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const answering = (async () => {
    for await (const connection of other) {
      await connection.write(new Uint8Array(32));
      connection.close();
    }
  })();
  const { port } = other.addr as Deno.NetAddr;
  const { code, log } = await validate(
    "--connect-addr",
    `127.0.0.1:${port}`,
    "--listen-addr",
    `127.0.0.1:${freePort()}`,
  );
  other.close();
  await answering;
  assert.equal(code, NOT_REDIRECTED);
  assert.match(log, /answered by something else/);
});

Deno.test("a connection that nobody answers ends with the timeout", async () => {
  const silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = silent.addr as Deno.NetAddr;
  const own = `127.0.0.1:${freePort()}`;
  const { code, log } = await validate(
    "--connect-addr",
    `127.0.0.1:${port}`,
    "--listen-addr",
    own,
    "--timeout",
    "50ms",
    "--log-format",
    "json",
  );
  silent.close();
  assert.equal(code, NOT_REDIRECTED);
  assert.match(JSON.parse(log).message, /did not come back within 50ms/);
});

Deno.test("arguments that cannot be followed are told in one sentence", async () => {
  for (const args of [["--timeout", "soon"], ["--connect-addr=1.1.1.1"], ["--colour"], ["--timeout"]]) {
    const { code, log } = await validate(...args);
    assert.equal(code, 1);
    assert.match(log, new RegExp(`^network-validator: .*${args[0]!.split("=")[0]}`));
  }
});

Deno.test("flags, durations and addresses are read in the spellings manifests have", () => {
  assert.deepEqual(readFlags(["--a=1", "--b", "2"], { a: "", b: "", c: "3" }), { a: "1", b: "2", c: "3" });
  assert.equal(durationFlag("1m30s", "x"), 90_000);
  assert.equal(durationFlag("250ms", "x"), 250);
  assert.deepEqual(addressFlag("[fd00::1]:20001", "x"), { hostname: "fd00::1", port: 20001 });
  assert.throws(() => addressFlag("fd00::1:20001", "x"), UsageError);
});

Deno.test("linkerd-await ends when the proxy is ready, and says what it saw when it is not", async () => {
  let answers = 0;
  const proxy = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => new Response("waiting\n", { status: ++answers < 3 ? 503 : 200 }),
  );
  const flags = [`--port=${proxy.addr.port}`, "--backoff=1ms"];
  assert.equal(await runAwait(flags, () => {}), 0);
  assert.equal(answers, 3);
  answers = -1000;
  const lines: string[] = [];
  assert.equal(await runAwait([...flags, "--timeout", "20ms"], (line) => lines.push(line)), 69);
  assert.match(lines[0]!, /not ready after 0.02 s: it answers 503 waiting/);
  await proxy.shutdown();
});
