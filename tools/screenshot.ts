/**
 * Pictures of the dashboard for the README, from a real browser: docs/screenshots/overview.png and workload.png.
 *
 * usage: deno run -A tools/screenshot.ts [--url http://127.0.0.1:8084] [--to docs/screenshots] [--all]
 *
 * Without --url, of the shop that tests/browser/fixture_api.ts plays. With --all, of every state in both colour schemes
 * too, to be looked at. CHROMIUM names the browser; default /usr/bin/chromium.
 */
import { chromium } from "playwright-core";
import { startDashboard } from "../src/dashboard/server.ts";
import { startFixtureApi } from "../tests/browser/fixture_api.ts";
import { CHROMIUM, CHROMIUM_FLAGS } from "../tests/browser/chromium.ts";

function option(name: string): string | undefined {
  const at = Deno.args.indexOf(`--${name}`);
  return at < 0 ? undefined : Deno.args[at + 1];
}

interface Shot {
  readonly file: string;
  readonly path: string;
  readonly scheme?: "light" | "dark";
  readonly width?: number;
  readonly height?: number;
}

const WORKLOAD = "/namespaces/shop/deployments/web";
const README: readonly Shot[] = [
  { file: "overview", path: "/namespaces/shop", height: 900 },
  { file: "workload", path: WORKLOAD, height: 1060 },
];
const STATES: readonly Shot[] = [
  { file: "all-light", path: "/", height: 1200 },
  { file: "all-dark", path: "/", scheme: "dark", height: 1200 },
  { file: "shop-dark", path: "/namespaces/shop", scheme: "dark" },
  { file: "workload-dark", path: WORKLOAD, scheme: "dark", height: 1060 },
  { file: "workload-tcp", path: "/namespaces/shop/statefulsets/store" },
  { file: "workload-slow-pod", path: "/namespaces/shop/deployments/catalog?window=1h" },
  { file: "workload-unmeshed", path: "/namespaces/shop/deployments/legacy-tax" },
  { file: "workload-waiting", path: "/namespaces/logistics/deployments/carriers", scheme: "dark" },
  { file: "not-found", path: "/namespaces/shop/deployments/nobody" },
  { file: "phone", path: "/", width: 390, height: 844 },
  { file: "phone-workload", path: WORKLOAD, width: 390, height: 844, scheme: "dark" },
];

const folder = option("to") ?? "docs/screenshots";
const given = option("url");
const isAll = Deno.args.includes("--all");
await Deno.mkdir(folder, { recursive: true });
const browser = await chromium.launch({ executablePath: CHROMIUM, args: [...CHROMIUM_FLAGS] });

async function shoot(
  base: string,
  { file, path, scheme = "light", width = 1280, height = 860 }: Shot,
): Promise<void> {
  const page = await browser.newPage({
    viewport: { width, height },
    colorScheme: scheme,
    deviceScaleFactor: 1,
  });
  page.on("console", (message) => {
    if (message.type() !== "info") console.error(`${file}: ${message.text()}`);
  });
  await page.goto(base + path);
  const hasIsland = await page.locator("[data-updates]").count() > 0;
  if (hasIsland) {
    await page.waitForFunction(() =>
      Number(document.querySelector("[data-updates]")?.getAttribute("data-updates")) > 0
    );
  }
  if (path.includes("deployments/web")) await page.locator(".uplot").first().waitFor();
  await page.screenshot({ path: `${folder}/${file}.png` });
  await page.close();
  console.log(
    `${folder}/${file}.png ${Math.round((await Deno.stat(`${folder}/${file}.png`)).size / 1024)} kB`,
  );
}

async function withFixture(scenario: "shop" | "empty" | "unmeshed", shots: readonly Shot[], isDown = false) {
  const api = startFixtureApi({ scenario });
  if (isDown) await api.stop();
  const dashboard = await startDashboard({
    port: 0,
    hostname: "127.0.0.1",
    metricsApi: api.url,
    intervalMs: 500,
  });
  for (const shot of shots) await shoot(`http://127.0.0.1:${dashboard.port}`, shot);
  await dashboard.stop();
  if (!isDown) await api.stop();
}

if (given !== undefined) { for (const shot of README) await shoot(given, shot); }
else await withFixture("shop", isAll ? [...README, ...STATES] : README);
if (isAll) {
  await withFixture("empty", [{ file: "empty", path: "/" }, {
    file: "empty-default",
    path: "/namespaces/default",
    scheme: "dark",
  }]);
  await withFixture("unmeshed", [{ file: "unmeshed", path: "/" }, {
    file: "unmeshed-shop",
    path: "/namespaces/shop",
    scheme: "dark",
  }]);
  await withFixture(
    "shop",
    [{ file: "down", path: "/" }, { file: "down-dark", path: "/", scheme: "dark" }],
    true,
  );
}
await browser.close();
