import assert from "node:assert/strict";
import { putComponent, withNetwork } from "../../local/api/testing.ts";
import { type Environment, SYSTEM } from "../environment.ts";
import { runCli } from "../main.ts";

/** Runs the command against a cluster with a web pod on loopback, until `interrupted` resolves. */
async function run(args: string[], world: Partial<Environment>) {
  let printed = "", told = "", code = -1;
  await withNetwork(async (connect, { client }) => {
    await putComponent(client, "web", true);
    code = await runCli(args, {
      ...SYSTEM,
      print: (text) => void (printed += text),
      tell: (text) => void (told += text),
      variable: () => undefined,
      connect: () =>
        Promise.resolve({ client: connect(), namespace: "default", server: "", close: () => {} }),
      ...world,
    });
  });
  return { code, printed, told };
}

Deno.test("the address is printed, a browser is opened, and the port is closed when it is interrupted", async () => {
  const opened: string[] = [];
  let isListening = false;
  const { code, printed } = await run(["dashboard", "--address", "127.0.0.1", "--port", "0"], {
    run: (program, args) => {
      opened.push([program, ...args].join(" "));
      return Promise.resolve(0);
    },
    interrupted: async () => {
      const port = Number(/:(\d+)$/.exec(opened[0]!)![1]);
      const connection = await Deno.connect({ hostname: "127.0.0.1", port });
      isListening = true;
      connection.close();
      return "SIGINT";
    },
  });
  const url = /^The dashboard is at (http:\/\/127\.0\.0\.1:\d+)\n$/.exec(printed)![1]!;
  assert.deepEqual([code, isListening], [0, true]);
  assert.equal(opened[0]!.split(" ").at(-1), url);
  await assert.rejects(Deno.connect({ hostname: "127.0.0.1", port: Number(url.split(":")[2]) }));
});

Deno.test("without a browser the address is enough, and --show url asks for none", async () => {
  const interrupted = () => Promise.resolve("SIGINT");
  const missing = () => Promise.reject(new Deno.errors.NotFound("xdg-open"));
  const none = await run(["viz", "dashboard", "--port", "0"], { interrupted, run: missing });
  assert.equal(none.code, 0);
  assert.match(none.told, /is not installed: open the address by hand/);
  const url = await run(["dashboard", "--port", "0", "--show", "url"], { interrupted, run: missing });
  assert.deepEqual([url.code, url.told], [0, "Interrupt (Ctrl-C) to end.\n"]);
  const grafana = await run(["dashboard", "--show", "grafana"], { interrupted });
  assert.equal(grafana.code, 2);
});
