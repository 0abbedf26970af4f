/**
 * `deno task screenshot`: the README's pictures of the dashboard, docs/screenshots/overview.png and workload.png, taken
 * in a real browser of the running demo. It starts the demo, waits until every workload is meshed and has figures,
 * takes the pictures and ends the demo.
 *
 * usage: deno run -A tools/screenshot.ts [--to docs/screenshots] [--history 270] [--url http://127.0.0.1:8084]
 *        deno run -A tools/screenshot.ts --states --to DIRECTORY
 *
 * --history: seconds of traffic before the pictures, so that the charts have something to show. --url: of a dashboard
 * that runs. --states: every state of the pages (dark, narrow, without JavaScript, empty, unmeshed, cut off), of the
 * shop that tests/browser/fixture_api.ts plays, to be looked at. CHROMIUM names the browser.
 */
import { missingChromium } from "../tests/browser/chromium.ts";
import { Camera, type Shot } from "./screenshot/camera.ts";
import { startDemo } from "./screenshot/demo.ts";
import { shootStates } from "./screenshot/states.ts";

const README: readonly Shot[] = [
  { file: "overview", path: "/namespaces/shop", height: 900 },
  { file: "workload", path: "/namespaces/shop/deployments/web", height: 960 },
];

function option(name: string): string | undefined {
  const at = Deno.args.indexOf(`--${name}`);
  return at < 0 ? undefined : Deno.args[at + 1];
}

const missing = missingChromium();
if (missing !== undefined) {
  console.error(missing);
  Deno.exit(1);
}
const camera = await Camera.open(option("to") ?? "docs/screenshots");
try {
  const url = option("url");
  if (Deno.args.includes("--states")) await shootStates(camera);
  else if (url !== undefined) { for (const shot of README) await camera.shoot(url, shot); }
  else {
    const demo = await startDemo();
    try {
      await camera.awaitFigures(demo.url, README[0]!.path, Number(option("history") ?? 270) * 1000);
      for (const shot of README) await camera.shoot(demo.url, shot);
    } finally {
      await demo.stop();
    }
  }
} finally {
  await camera.close();
}
