/** The dashboard in a real Chromium, over the figures of the shop that fixture_api.ts plays. */
import assert from "node:assert/strict";
import axe, { type AxeResults } from "axe-core";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { type Dashboard, startDashboard } from "../../src/dashboard/server.ts";
import { CHROMIUM, CHROMIUM_FLAGS, missingChromium } from "./chromium.ts";
import { type FixtureApi, type FixtureOptions, startFixtureApi } from "./fixture_api.ts";

const missing = missingChromium();

class Harness implements AsyncDisposable {
  private constructor(
    readonly api: FixtureApi,
    readonly dashboard: Dashboard,
    readonly browser: Browser,
  ) {}

  static async start(scenario: NonNullable<FixtureOptions["scenario"]>): Promise<Harness> {
    const api = startFixtureApi({ scenario });
    const dashboard = await startDashboard({
      port: 0,
      hostname: "127.0.0.1",
      metricsApi: api.url,
      showsCalls: true,
      intervalMs: 200,
    });
    const browser = await chromium.launch({ executablePath: CHROMIUM, args: [...CHROMIUM_FLAGS] });
    return new Harness(api, dashboard, browser);
  }

  /** @returns the page, and everything it complained about: console, exceptions, violated policies, lost requests */
  async open(
    path: string,
    options: BrowserContextOptions = {},
  ): Promise<{ page: Page; complaints: string[] }> {
    const page = await this.browser.newPage({ viewport: { width: 1280, height: 1600 }, ...options });
    const complaints: string[] = [];
    page.on("console", (message) => {
      if (/error|warning/.test(message.type())) complaints.push(message.text());
    });
    page.on("pageerror", (error) => complaints.push(`uncaught: ${error.message}`));
    page.on("requestfailed", (request) => {
      const reason = request.failure()?.errorText ?? "";
      // A stream that is open when its page is left ends so.
      if (reason !== "net::ERR_ABORTED") complaints.push(`${request.url()}: ${reason}`);
    });
    await page.goto(`http://127.0.0.1:${this.dashboard.port}${path}`);
    return { page, complaints };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.browser.close();
    await this.dashboard.stop();
    await this.api.stop();
  }
}

function browserTest(
  sentence: string,
  scenario: NonNullable<FixtureOptions["scenario"]>,
  run: (harness: Harness) => Promise<void>,
): void {
  Deno.test({
    name: missing === undefined ? sentence : `${sentence} (skipped: ${missing})`,
    ignore: missing !== undefined,
    // Playwright keeps pipes and timers of its own for as long as the process lives.
    sanitizeOps: false,
    sanitizeResources: false,
    async fn() {
      await using harness = await Harness.start(scenario);
      await run(harness);
    },
  });
}

/** Waits until the island has drawn so many views that came after the page itself. */
async function updated(page: Page, times: number): Promise<void> {
  const counted = (least: number) =>
    Number(document.querySelector<HTMLElement>("[data-updates]")?.dataset.updates) >= least;
  await page.waitForFunction(counted, times, { timeout: 15_000 });
}

const rowsOf = (page: Page) => page.locator("table.rows tbody tr");

browserTest(
  "the overview lists workloads, draws who calls whom, and renews its figures",
  "shop",
  async (mesh) => {
    const { page, complaints } = await mesh.open("/namespaces/shop");
    assert.equal(await rowsOf(page).count(), 8);
    assert.equal(await page.locator("svg .node").count(), 9, "eight of the shop, and whom payment calls");
    assert.equal(await page.locator("svg .edge").count(), 9);
    assert.equal(await page.locator("svg .edge.plain").count(), 1);
    const title = await page.locator("svg .edge title", { hasText: "payment to legacy-tax" }).textContent();
    assert.match(title ?? "", /without mutual TLS/);
    await updated(page, 3);
    assert.equal(await page.locator("[data-connection=live]").count(), 1);
    assert.equal(await rowsOf(page).count(), 8);
    assert.deepEqual(complaints, []);
  },
);

browserTest("the table is sorted and filtered in place, and the address says how", "shop", async (mesh) => {
  const { page, complaints } = await mesh.open("/namespaces/shop");
  await updated(page, 1);
  await page.getByRole("columnheader", { name: "RPS" }).getByRole("link").click();
  assert.match(await rowsOf(page).first().innerText(), /catalog/);
  await page.getByRole("searchbox").fill("pay");
  assert.equal(await rowsOf(page).count(), 1);
  await page.waitForURL(/sort=-rps&filter=pay/);
  await page.reload();
  assert.equal(await rowsOf(page).count(), 1, "the server reads the address the same way");
  assert.deepEqual(complaints, []);
});

browserTest(
  "a workload's page draws its charts, names its peers by identity, and lists its pods",
  "shop",
  async (mesh) => {
    const { page, complaints } = await mesh.open("/namespaces/shop/deployments/web");
    await updated(page, 2);
    assert.equal(await page.locator(".uplot canvas").count(), 3, "requests, success rate, latency");
    const isDrawn = await page.locator(".uplot canvas").first().evaluate((canvas: HTMLCanvasElement) =>
      canvas.getContext("2d")!.getImageData(0, 0, canvas.width, canvas.height).data.some((value) => value > 0)
    );
    assert.ok(isDrawn, "not an empty canvas");
    const text = await page.locator("main").innerText();
    for (
      const expected of [
        "load.shop",
        "catalog.shop",
        "payment.shop",
        "linkerd stat deploy -n shop --to deploy/web",
      ]
    ) {
      assert.ok(text.includes(expected), expected);
    }
    assert.deepEqual(complaints, []);
  },
);

browserTest("a workload's requests are shown one by one while they are watched", "shop", async (mesh) => {
  const { page, complaints } = await mesh.open("/namespaces/shop/deployments/web");
  await updated(page, 1);
  const calls = page.locator("table.calls tbody tr");
  assert.equal(await calls.count(), 0, "nobody has asked for them");
  await page.getByRole("button", { name: "Watch" }).click();
  await calls.nth(5).waitFor({ timeout: 15_000 });
  const text = await page.locator("table.calls").innerText();
  assert.match(text, /load-\S+\s+calls it/);
  assert.match(text, /catalog-0\s+is called/);
  assert.ok(await page.locator("table.calls .rate.bad").count() > 0);
  assert.ok((await page.locator("main").innerText()).includes("linkerd tap deploy/web -n shop"));
  await page.getByRole("button", { name: "Stop" }).click();
  await page.getByRole("button", { name: "Watch" }).waitFor();
  assert.ok(await calls.count() <= 25);
  assert.deepEqual(complaints, []);
});

browserTest("without scripts pages are whole, lead on, and ask to be loaded anew", "shop", async (mesh) => {
  const { page } = await mesh.open("/", { javaScriptEnabled: false });
  assert.equal(await page.locator("noscript meta[http-equiv=refresh]").count(), 1);
  assert.ok(await rowsOf(page).count() >= 11);
  assert.ok(await page.locator("svg .node").count() >= 9);
  await rowsOf(page).getByRole("link", { name: "payment", exact: true }).click();
  await page.waitForURL(/\/namespaces\/shop\/deployments\/payment$/);
  assert.ok(await page.locator(".plot svg path.line").count() >= 3, "charts as the server draws them");
  assert.equal(await page.locator("canvas").count(), 0);
});

browserTest(
  "figures that can no longer be had stay, with why, until they can be had again",
  "shop",
  async (mesh) => {
    const { page } = await mesh.open("/namespaces/shop");
    await updated(page, 1);
    mesh.api.fail({ code: "store-locked", source: "mesh", detail: "the store of figures is locked" });
    const alert = page.getByRole("alert");
    await alert.waitFor({ timeout: 15_000 });
    assert.match(await alert.innerText(), /the store of figures is locked/);
    assert.equal(await rowsOf(page).count(), 8);
    mesh.api.fail(undefined);
    await alert.waitFor({ state: "detached", timeout: 15_000 });
  },
);

browserTest("a proxy that cannot be scraped is pointed out once that lasts", "shop", async (mesh) => {
  const { page } = await mesh.open("/namespaces/shop");
  await updated(page, 1);
  const note = page.getByText("1 of 22 proxies cannot be scraped");
  await page.evaluate(() => {
    // What the page said at each view, since the note may come and go between two looks at it.
    const said: string[] = [];
    Object.assign(globalThis, { said });
    new MutationObserver(() => said.push(document.querySelector(".note")?.textContent ?? "")).observe(
      document.querySelector("[data-updates]")!,
      { attributes: true, attributeFilter: ["data-updates"] },
    );
  });
  mesh.api.failingProxies = 1;
  await note.waitFor({ timeout: 15_000 });
  const said = await page.evaluate(() => (globalThis as unknown as { said: string[] }).said);
  assert.ok(said.filter((text) => text === "").length >= 2, `silent at first: ${JSON.stringify(said)}`);
  mesh.api.failingProxies = 0;
  await note.waitFor({ state: "detached", timeout: 15_000 });
});

browserTest(
  "an error page names cause and next step, needs no script, and loads itself anew",
  "shop",
  async (mesh) => {
    await mesh.api.stop();
    const { page } = await mesh.open("/");
    const text = await page.getByRole("alert").innerText();
    assert.match(text, /could not be reached/);
    assert.match(text, /linkerd check/);
    assert.equal(await page.locator("script").count(), 0);
    assert.match(await page.title(), /No figures to show/);
    assert.equal(
      await page.locator("meta[http-equiv=refresh]").count(),
      1,
      "it says that it tries again by itself",
    );
  },
);

browserTest("a mesh without applications shows the command that gives it one", "empty", async (mesh) => {
  const { page, complaints } = await mesh.open("/");
  assert.match(
    await page.locator("main").innerText(),
    /kubectl annotate namespace my-app linkerd\.io\/inject=enabled/,
  );
  assert.deepEqual(complaints, []);
});

const READABLE: Readonly<Record<NonNullable<FixtureOptions["scenario"]>, readonly string[]>> = {
  shop: [
    "/",
    "/namespaces/shop",
    "/namespaces/shop/deployments/web",
    "/namespaces/shop/statefulsets/store",
    "/namespaces/shop/deployments/legacy-tax",
    "/nowhere",
  ],
  empty: ["/"],
  unmeshed: ["/namespaces/shop"],
};
for (const [scenario, paths] of Object.entries(READABLE)) {
  browserTest(
    `axe finds nothing that keeps readers out of the ${scenario} pages, in both colour schemes`,
    scenario as keyof typeof READABLE,
    async (mesh) => {
      for (const colorScheme of ["light", "dark"] as const) {
        for (const path of paths) {
          // The page's policy would refuse the script that looks at it.
          const { page } = await mesh.open(path, { colorScheme, bypassCSP: true });
          if (path !== "/nowhere") await updated(page, 1);
          await page.evaluate(axe.source);
          const { violations } = await page.evaluate("axe.run()") as AxeResults;
          const found = violations.map(({ id, nodes }) =>
            `${id}: ${nodes[0]?.html} ${nodes[0]?.failureSummary}`
          );
          assert.deepEqual(found, [], `${colorScheme} ${path}`);
          await page.close();
        }
      }
    },
  );
}
