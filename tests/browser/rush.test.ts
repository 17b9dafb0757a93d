import { expect, setDefaultTimeout, test } from "bun:test";
import { freshRoom, Publisher, TEST_LIMIT_MS, useNode } from "@danmakud/testkit";
import { describeInBrowser, hasChromium, useBrowser, ViewerPage } from "./browser.ts";

setDefaultTimeout(TEST_LIMIT_MS);

const PER_SECOND = 500;
const SECONDS = 60;
const EVERY_MS = 100;

describeInBrowser("a rush of 500 comments per second for a minute", () => {
  const node = hasChromium ? useNode({ flags: ["--limits", "off"] }) : undefined;
  const browser = useBrowser();

  test("reaches the page whole, while it goes on drawing and answering", async () => {
    const room = freshRoom("rush");
    const viewer = await ViewerPage.open(await browser(), node?.().url ?? "", room);
    await viewer.page.evaluate(() => {
      const counted = window as unknown as { frames: number };
      counted.frames = 0;
      const count = () => {
        counted.frames++;
        requestAnimationFrame(count);
      };
      requestAnimationFrame(count);
    });
    const publisher = new Publisher({ url: node?.().socketUrl(room) ?? "" });
    const beganMs = performance.now();
    let sent = 0;
    while (sent < PER_SECOND * SECONDS) {
      const due = Math.min(PER_SECOND * SECONDS, ((performance.now() - beganMs) / 1000) * PER_SECOND);
      const batch: Promise<unknown>[] = [];
      for (; sent < due; sent++) batch.push(publisher.publish({ content: `第 ${sent} 条弹幕` }));
      await Promise.all(batch);
      await Bun.sleep(EVERY_MS);
    }
    await publisher.settled();
    const took = (performance.now() - beganMs) / 1000;
    await viewer.hasComment(`第 ${sent - 1} 条弹幕`);
    const frames = await viewer.page.evaluate(() => (window as unknown as { frames: number }).frames);
    console.log(
      `${sent} comments in ${took.toFixed(0)} s: ${(frames / took).toFixed(1)} frames/s of the page`,
    );
    expect(frames).toBeGreaterThan(0);
    expect(await viewer.silentHoles()).toEqual([]);
    expect(await viewer.isFlying()).toBe(true);
    // The page still takes what its user types.
    await viewer.say("still here");
    await viewer.hasComment("still here");
    // What is kept is bounded, whatever came.
    expect((await viewer.comments()).length).toBeLessThanOrEqual(400);
    expect(viewer.troubles).toEqual([]);
    expect(publisher.faults).toEqual([]);
    await publisher.close();
    await viewer.close();
  });
});
