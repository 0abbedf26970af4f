/** All fuzz targets, over one memory. */
import { Workbench } from "../../src/wasm/workbench.ts";
import { detectTarget } from "./detect.ts";
import { hpackBlockTarget, hpackRoundTripTarget } from "./hpack.ts";
import { http1Target } from "./http1.ts";
import { http2ClientTarget } from "./http2/client_target.ts";
import { http2ServerTarget } from "./http2/server_target.ts";
import type { Target } from "./target.ts";

export function targets(): Target[] {
  const bench = new Workbench();
  return [
    http1Target(bench, "requests"),
    http1Target(bench, "responses"),
    detectTarget(bench),
    hpackBlockTarget(bench),
    hpackRoundTripTarget(bench),
    http2ServerTarget,
    http2ClientTarget,
  ];
}
