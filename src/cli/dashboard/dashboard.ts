/** `linkerd dashboard`: forwards the port of the component web and opens a browser. Source: cli.md, viz. */
import { CONTROL_PORTS } from "../../mesh/names.ts";
import type { Environment } from "../environment.ts";
import { usageFailure } from "../failure.ts";
import { forwardComponent } from "../forward.ts";
import type { GlobalOptions } from "../global_options.ts";

export interface DashboardOptions {
  readonly address: string;
  readonly port: string;
  readonly show: string;
}

/** What opens an address, where the system has it. */
const OPENERS: Partial<Record<typeof Deno.build.os, readonly string[]>> = {
  darwin: ["open"],
  linux: ["xdg-open"],
  windows: ["cmd", "/c", "start"],
};

/** Opens `url`; where nothing can, the address that was printed is enough. */
async function openBrowser(url: string, environment: Environment): Promise<void> {
  const [program, ...args] = OPENERS[Deno.build.os] ?? [];
  if (program === undefined) return;
  try {
    if (await environment.run(program, [...args, url]) === 0) return;
    environment.tell(`${program} could not open it: open the address by hand\n`);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    environment.tell(`${program} is not installed: open the address by hand\n`);
  }
}

export async function dashboard(
  { address, port, show }: DashboardOptions,
  global: GlobalOptions,
  environment: Environment,
): Promise<void> {
  if (show !== "linkerd" && show !== "url") {
    throw usageFailure("flag-invalid", `--show ${show}: it takes linkerd or url`, "there is no Grafana here");
  }
  const number = Number(port);
  if (!(Number.isInteger(number) && number >= 0 && number < 65536)) {
    throw usageFailure("flag-invalid", `--port ${port}: it is no port`, "write a number up to 65535");
  }
  const listen = { hostname: address, port: number };
  const forwarded = await forwardComponent("web", CONTROL_PORTS.web, global, environment, listen);
  try {
    const url = `http://${forwarded.address}`;
    environment.print(`The dashboard is at ${url}\n`);
    if (show === "linkerd") await openBrowser(url, environment);
    else environment.tell("Interrupt (Ctrl-C) to end.\n");
    await environment.interrupted();
  } finally {
    await forwarded.close();
  }
}
