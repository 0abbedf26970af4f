/** All fuzz targets, over one memory. */
import { Workbench } from "../../src/wasm/workbench.ts";
import { chunkedTarget } from "./chunked.ts";
import { detectTarget } from "./detect.ts";
import { frameTarget } from "./frames.ts";
import { hpackBlockTarget, hpackRoundTripTarget } from "./hpack.ts";
import { http1Target } from "./http1.ts";
import { http2ClientTarget } from "./http2/client_target.ts";
import { http2ServerTarget } from "./http2/server_target.ts";
import { routesTarget } from "./routes.ts";
import type { Target } from "./target.ts";
import { http1ToHttp2Target, http2ToHttp1Target } from "./transcode.ts";

export function targets(): Target[] {
  const bench = new Workbench();
  return [
    http1Target(bench, "requests"),
    http1Target(bench, "responses"),
    detectTarget(bench),
    chunkedTarget(bench),
    frameTarget(bench),
    hpackBlockTarget(bench),
    hpackRoundTripTarget(bench),
    http1ToHttp2Target(bench),
    http2ToHttp1Target(bench),
    http2ServerTarget,
    http2ClientTarget,
    routesTarget(),
  ];
}
