/** A browser that takes pictures of dashboard pages once they show what they are going to show. */
import { type Browser, chromium, type Page } from "playwright-core";
import { CHROMIUM, CHROMIUM_FLAGS } from "../../tests/browser/chromium.ts";

export interface Shot {
  readonly file: string;
  readonly path: string;
  readonly scheme?: "light" | "dark";
  readonly width?: number;
  readonly height?: number;
  /** False: as somebody sees it who has no JavaScript. */
  readonly isScripted?: boolean;
}

const FIGURES_TIMEOUT_MS = 120_000;

export class Camera {
  readonly #browser: Browser;
  readonly #directory: string;

  private constructor(browser: Browser, directory: string) {
    this.#browser = browser;
    this.#directory = directory;
  }

  /** @param directory where the pictures go; it is made */
  static async open(directory: string): Promise<Camera> {
    await Deno.mkdir(directory, { recursive: true });
    return new Camera(
      await chromium.launch({ executablePath: CHROMIUM, args: [...CHROMIUM_FLAGS] }),
      directory,
    );
  }

  async close(): Promise<void> {
    await this.#browser.close();
  }

  /** Waits until every workload of a namespace's page is meshed and one answers, then `historyMs` more. */
  async awaitFigures(base: string, path: string, historyMs: number): Promise<void> {
    const page = await this.#browser.newPage();
    await page.goto(base + path);
    await page.waitForFunction(
      () => {
        const rows = [...document.querySelectorAll("table tbody tr")].map((row) =>
          [...row.querySelectorAll("td")].map((cell) => cell.textContent?.trim() ?? "")
        );
        const isMeshed = rows.map((cells) => cells.some((cell) => /^(\d+)\/\1$/.test(cell)));
        return rows.length > 0 && isMeshed.every(Boolean) && rows.flat().some((cell) => / ms$/.test(cell));
      },
      undefined,
      { timeout: FIGURES_TIMEOUT_MS },
    );
    await page.waitForTimeout(historyMs);
    await page.close();
  }

  /** Takes one picture. What the browser complains of is told. */
  async shoot(base: string, shot: Shot): Promise<void> {
    const { file, path, scheme = "light", width = 1280, height = 860, isScripted = true } = shot;
    const page = await this.#browser.newPage({
      viewport: { width, height },
      colorScheme: scheme,
      deviceScaleFactor: 1,
      javaScriptEnabled: isScripted,
    });
    page.on("console", (message) => {
      if (message.type() !== "info") console.error(`${file}: ${message.text()}`);
    });
    await page.goto(base + path);
    if (isScripted) await awaitIsland(page);
    const picture = `${this.#directory}/${file}.png`;
    await page.screenshot({ path: picture });
    await page.close();
    console.log(`${picture} ${Math.round((await Deno.stat(picture)).size / 1024)} kB`);
  }
}

/** Until the page's island has heard from the server, and its charts are drawn. */
async function awaitIsland(page: Page): Promise<void> {
  if (await page.locator("[data-updates]").count() === 0) return;
  await page.waitForFunction(() =>
    Number(document.querySelector("[data-updates]")?.getAttribute("data-updates")) > 0
  );
  if (await page.locator(".plot").count() > 0) await page.locator(".uplot").first().waitFor();
}
