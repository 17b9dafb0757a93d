/** Tabs that really are hidden: another one is in front, or the window is minimised. */
import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import { freshRoom, RoomApi, TEST_LIMIT_MS, useNode, waitFor } from "@danmakud/testkit";
import type { Page } from "playwright-core";
import { describeInBrowser, hasChromium, ViewerPage } from "./browser.ts";
import { launchTabbedChromium, type TabbedChromium } from "./chromium.ts";
import { useOverlaySite } from "./overlay-page.ts";

setDefaultTimeout(TEST_LIMIT_MS);

/** Comments that come meanwhile: enough to fill every line of the stage several times. */
const UNSEEN = 300;

const isHidden = (page: Page) => page.evaluate(() => document.visibilityState === "hidden");

/** Ways to hide a tab; each gives the way to show it again. */
const WAYS = {
  "behind another tab": async (page: Page) => {
    const other = await page.context().newPage();
    await other.bringToFront();
    return async () => {
      await page.bringToFront();
      await other.close();
    };
  },
  "in a minimised window": async (page: Page) => {
    const session = await page.context().newCDPSession(page);
    const { windowId } = await session.send("Browser.getWindowForTarget");
    const set = (windowState: "minimized" | "normal") =>
      session.send("Browser.setWindowBounds", { windowId, bounds: { windowState } });
    await set("minimized");
    return () => set("normal");
  },
} as const;

describeInBrowser("a tab that is hidden", () => {
  const node = hasChromium ? useNode({ flags: ["--limits", "off"] }) : undefined;
  const site = useOverlaySite();
  let browser: Promise<TabbedChromium> | undefined;
  const context = async () => {
    browser ??= launchTabbedChromium();
    return (await browser).context;
  };
  afterAll(async () => (await browser)?.close());

  async function hide(page: Page, way: keyof typeof WAYS): Promise<() => Promise<void>> {
    const show = await WAYS[way](page);
    await waitFor("the tab to be hidden", () => isHidden(page));
    return async () => {
      await show();
      await waitFor("the tab to be seen", async () => !(await isHidden(page)));
    };
  }

  test.each(Object.keys(WAYS) as (keyof typeof WAYS)[])(
    "%s goes on listening, and piles nothing up",
    async (way) => {
      const url = node?.().url ?? "";
      const room = freshRoom("hidden");
      const viewer = await ViewerPage.openIn(await context(), url, room);
      const show = await hide(viewer.page, way);
      const api = new RoomApi(url, room);
      for (let n = 0; n < UNSEEN; n++) await api.mustPublish({ content: `unseen ${n}`, uid: `u${n}` });
      await waitFor("all of them in the list", async () => (await viewer.comments()).length === UNSEEN);
      await show();
      await viewer.say("seen");
      await waitFor("the comment on the stage", () => viewer.isFlying());
      // Those from before would fill the stage from its right edge down; the own one takes one line (box and text).
      expect(await viewer.flyingRows()).toBeLessThanOrEqual(2);
      expect(await viewer.silentHoles()).toEqual([]);
      await waitFor("it in the list too", async () => (await viewer.comments()).length === UNSEEN + 1);
      await viewer.page.close();
    },
  );

  test("draws nothing, and shows what is under way when it is back: no more, no less", async () => {
    const page = await (await context()).newPage();
    await page.goto(`${site()}/`);
    await page.evaluate(async () => {
      const made = (await import(`${location.origin}/overlay.js`)) as typeof window.made;
      const stage = document.getElementById("stage") as HTMLElement;
      window.overlay = new made.Overlay(stage, { speed: 4 });
      // A recording that plays on unseen, four comments a second.
      const comments = Array.from({ length: 2000 }, (_, n) => ({ content: `n ${n}`, timeMs: n * 250 }));
      await window.overlay.load(comments);
      window.overlay.follow({ positionMs: 0, rate: 1, isRunning: true });
    });
    const stats = () => page.evaluate(() => window.overlay.stats());
    await waitFor("comments", async () => (await stats()).onScreen > 2);
    const show = await hide(page, "behind another tab");
    const hidden = await stats();
    // As long as three crossings of the stage.
    await page.evaluate(() => new Promise((done) => setTimeout(done, 5000)));
    expect((await stats()).frames - hidden.frames).toBeLessThanOrEqual(1);
    await show();
    await waitFor("frames", async () => (await stats()).frames > hidden.frames + 5);
    const back = await stats();
    // A crossing takes 1,667 ms: six or seven comments are under way, others entered and left unseen.
    expect(back.onScreen + back.waiting).toBeLessThanOrEqual(8);
    expect(back.dropped.late).toBeGreaterThan(10);
    await waitFor("it to go on", async () => (await stats()).shown > back.shown + 3);
    await page.close();
  });
});
