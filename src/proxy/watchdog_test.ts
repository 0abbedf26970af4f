import { equal, match } from "node:assert/strict";
import { TestAuthority } from "./testing/certificates.ts";
import { startControlServices } from "./testing/control_services.ts";
import { SERVER } from "./testing/meshed_pair.ts";
import { startProcess } from "./testing/process.ts";
import { EXIT_STUCK } from "./worker/watchdog.ts";

for (const [loop, cores, seconds] of [["main", 1, 1], ["worker", 2, 5]] as const) {
  const name = `a proxy whose ${loop} loop hangs says so, with what it was doing, and ends`;
  Deno.test({ name, ignore: navigator.hardwareConcurrency < cores }, async () => {
    const authority = await TestAuthority.create(), control = await startControlServices(authority);
    const process = await startProcess({
      name: SERVER,
      anchors: authority.certificate.toString("pem"),
      control,
      environment: {
        LINKERD2_PROXY_CORES: String(cores),
        LINKERD2_PROXY_WATCHDOG_TIMEOUT: `${seconds}s`,
      },
      script: new URL("./testing/stuck_process.ts", import.meta.url).pathname,
      arguments: [loop],
    });
    if (cores > 1) await process.logged("worker ready");
    // So many that one meets the worker's socket.
    const connections: Deno.TcpConn[] = [];
    for (let i = 0; i < (cores > 1 ? 64 : 1); i++) {
      connections.push(await Deno.connect({ hostname: "127.0.0.1", port: process.inboundPort }));
    }
    // The main loop tells of a worker that missed two periods of five, before the end.
    let complaint = "";
    while (loop === "worker" && complaint === "") {
      const response = await fetch(`${process.admin}/live`), text = await response.text();
      if (response.status === 503) complaint = text;
    }
    if (loop === "worker") {
      match(complaint, /^worker 1 has not turned for \d\.\d s, while accepting connections/);
    }
    const { code } = await process.status;
    equal(code, EXIT_STUCK);
    await process.stop();
    const subject = loop === "main" ? "the main loop" : "worker 1";
    const line = process.lines.find((one) => one.startsWith("watchdog:"));
    match(
      line ?? "",
      new RegExp(
        `^watchdog: ${subject} has not turned for ${seconds} s, while accepting connections; the process ends; descriptor \\d+$`,
      ),
    );
    for (const connection of connections) connection.close();
    control.close();
  });
}
