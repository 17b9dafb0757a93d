/**
 * Takes docs/images/viewer.png: the viewer page on the demo room of a node of its own, in the middle of a burst.
 * Needs Chromium, and fonts for what the recording is written in: fonts-noto-cjk and fonts-noto-color-emoji on Debian.
 *
 *     sh scripts/with-bun scripts/screenshot.ts [FILE]
 */
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { startNode } from "../packages/testkit/src/index.ts";
import { launchChromium } from "../tests/browser/chromium.ts";

const FILE = process.argv[2] ?? join(import.meta.dir, "../docs/images/viewer.png");

/** A comment of the recording that comes when the stage is full. */
const MOMENT = "all the best to everyone here";
/** The first burst of the recording comes within a minute; slow machines are given more. */
const MOMENT_MS_MAX = 180_000;
/** From the moment on, until the comments of the burst have spread over the stage. */
const SPREAD_MS = 2_200;

const node = await startNode({ flags: ["--demo", "on"] });
const browser = await launchChromium();
try {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 800 },
    deviceScaleFactor: 1.5,
    locale: "en-US",
  });
  const page = await context.newPage();
  await page.goto(node.url);
  await page.getByText("another one please").waitFor({ state: "attached", timeout: MOMENT_MS_MAX });
  await page.locator('input[name="color"][value="#ffd75e"]').check();
  await page.fill("#composer-text", "Make a wish, everyone");
  await page.press("#composer-text", "Enter");
  await page.getByText(MOMENT).waitFor({ state: "attached", timeout: MOMENT_MS_MAX });
  await page.locator("#composer-text").blur();
  await page.waitForTimeout(SPREAD_MS);
  await mkdir(dirname(FILE), { recursive: true });
  await page.screenshot({ path: FILE });
  console.log(`wrote ${FILE}`);
} finally {
  await browser.close();
  await node.stop();
}
