import assert from "node:assert/strict";

const here = (name: string) => JSON.stringify(new URL(name, import.meta.url).href);

/** Runs a loop that blocks in epoll, sends it `signal` once it says "ready", and returns what it printed. */
async function loopThatGets(signal: Deno.Signal, times: number): Promise<{ text: string; code: number }> {
  const source = `
    import { catchSignals, readSignals, SIGINT, SIGTERM } from ${here("./signals.ts")};
    import { Epoll, EPOLLIN } from ${here("./epoll.ts")};
    const fd = catchSignals([SIGINT, SIGTERM]), epoll = new Epoll(), seen = [];
    epoll.add(fd, EPOLLIN, 0);
    console.log("ready");
    while (seen.length < ${times}) if (epoll.wait(20_000) !== 0) {
      const signals = readSignals(fd);
      seen.push(...signals);
      if (signals.length > 0) console.log(signals.join(" "));
    }
    Deno.exit(7);`;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-check", source],
    stdout: "piped",
  }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = "", sent = 0;
  while (true) {
    const { value, done } = await reader.read();
    if (done) break;
    text += value;
    if (sent < times && text.split("\n").length - 1 > sent) {
      child.kill(signal);
      sent++;
    }
  }
  return { text, code: (await child.status).code };
}

for (const [signal, number] of [["SIGTERM", 15], ["SIGINT", 2]] as const) {
  Deno.test({
    name: `${signal} wakes a loop that blocks in epoll, each time, and does not end the process`,
    ignore: Deno.build.os !== "linux",
    fn: async () => {
      const { text, code } = await loopThatGets(signal, 3);
      assert.equal(text, `ready\n${number}\n${number}\n${number}\n`);
      assert.equal(code, 7);
    },
  });
}

Deno.test({
  name: "a process that dies with its parent does",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const source = `
      import { dieWithParent } from ${here("./signals.ts")};
      dieWithParent();
      console.log("up");
      await new Promise((resolve) => setTimeout(resolve, 60_000));`;
    // The shell starts it, waits until it is up, and dies; its output ends only when nobody holds the pipe any more.
    const script = `"$0" eval --no-check "$1" & read -r go; kill -9 $$`;
    const shell = new Deno.Command("bash", {
      args: ["-c", script, Deno.execPath(), source],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    const reader = shell.stdout.pipeThrough(new TextDecoderStream()).getReader();
    assert.equal((await reader.read()).value, "up\n");
    const writer = shell.stdin.getWriter();
    await writer.write(new TextEncoder().encode("go\n"));
    await writer.close();
    assert.equal((await reader.read()).done, true);
    await shell.status;
  },
});
