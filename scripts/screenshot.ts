/**
 * Takes the pictures of docs/images: the viewer page on the demo room of a node of its own, in the middle of a burst,
 * on a laptop, a phone and a wide screen, and the stream overlay over a plain ground.
 * Needs Chromium, and fonts for what the recording is written in: fonts-noto-cjk and fonts-noto-color-emoji on Debian.
 *
 *     sh scripts/with-bun scripts/screenshot.ts [FOLDER]
 */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { startNode } from "../packages/testkit/src/index.ts";
import { launchChromium } from "../tests/browser/chromium.ts";

const FOLDER = process.argv[2] ?? join(import.meta.dir, "../docs/images");

/** Comments of the recording: one before the stage fills, and one that comes when it is full. */
const BEFORE = "another one please";
const MOMENT = "all the best to everyone here";
/** The first burst of the recording comes within a minute; slow machines are given more. */
const MOMENT_MS_MAX = 180_000;
/** From the moment on, until the comments of the burst have spread over the stage. */
const SPREAD_MS = 2_200;

const SCREENS = [
  { name: "viewer", width: 1280, height: 800, scale: 1.5, path: "/" },
  { name: "viewer-phone", width: 390, height: 844, scale: 2, path: "/" },
  { name: "viewer-wide", width: 1920, height: 1080, scale: 1, path: "/" },
  { name: "stream-overlay", width: 1280, height: 720, scale: 1, path: "/overlay?size=30&area=75" },
] as const;

async function open(browser: Browser, url: string, screen: (typeof SCREENS)[number]): Promise<Page> {
  const { width, height, scale, path } = screen;
  const context = await browser.newContext({
    viewport: { width, height },
    deviceScaleFactor: scale,
    locale: "en-US",
  });
  const page = await context.newPage();
  await page.goto(url + path);
  if (path === "/") return page;
  // Where a stream has its picture: squares, as editors show what is transparent.
  await page.evaluate(() => {
    const { style } = document.documentElement;
    style.background = "repeating-conic-gradient(#2b3345 0 25%, #333c50 0 50%) 0 0 / 48px 48px";
  });
  return page;
}

const node = await startNode({ flags: ["--demo", "on"] });
const browser = await launchChromium();
try {
  // All at once: the recording is the same for everyone in the room.
  const pages = await Promise.all(SCREENS.map((screen) => open(browser, node.url, screen)));
  const [first] = pages;
  if (first === undefined) throw new Error("no page");
  await first.getByText(BEFORE).waitFor({ state: "attached", timeout: MOMENT_MS_MAX });
  await first.locator('input[name="color"][value="#ffd75e"]').check();
  await first.fill("#composer-text", "Make a wish, everyone");
  await first.press("#composer-text", "Enter");
  await first.getByText(MOMENT).waitFor({ state: "attached", timeout: MOMENT_MS_MAX });
  await first.locator("#composer-text").blur();
  await first.waitForTimeout(SPREAD_MS);
  await mkdir(FOLDER, { recursive: true });
  for (const [at, page] of pages.entries()) {
    const file = join(FOLDER, `${SCREENS[at]?.name}.png`);
    await page.screenshot({ path: file });
    console.log(`wrote ${file}`);
  }
} finally {
  await browser.close();
  await node.stop();
}
