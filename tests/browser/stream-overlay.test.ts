import { expect, test } from "bun:test";
import { freshRoom, RoomApi, useNode, waitFor } from "@danmakud/testkit";
import { describeInBrowser, hasChromium, useBrowser } from "./browser.ts";

describeInBrowser("the stream overlay", () => {
  const node = hasChromium ? useNode() : undefined;
  const browser = useBrowser();
  const url = () => node?.().url ?? "";

  async function open(query: string) {
    const page = await (await browser()).newPage({ viewport: { width: 1280, height: 720 } });
    const troubles: string[] = [];
    page.on("pageerror", (error) => troubles.push(String(error)));
    page.on("console", (message) => {
      if (message.type() === "error") troubles.push(message.text());
    });
    await page.goto(`${url()}/overlay?${query}`);
    await page.locator('body[data-state="connected"]').waitFor();
    return { page, troubles };
  }

  test("shows a room's comments on a transparent ground", async () => {
    const room = freshRoom("stream");
    const { page, troubles } = await open(`room=${room}&size=40`);
    const empty = await page.screenshot({ omitBackground: true });
    await new RoomApi(url(), room).mustPublish({ content: "<b>on stream</b>", uid: "ana", mode: "top" });
    await waitFor("a picture that is not empty", async () => {
      const now = await page.screenshot({ omitBackground: true });
      return !now.equals(empty);
    });
    expect(await page.evaluate(() => getComputedStyle(document.body).backgroundColor)).toBe(
      "rgba(0, 0, 0, 0)",
    );
    expect(await page.locator("#notice").isHidden()).toBe(true);
    expect(await page.locator("b").count()).toBe(0);
    expect(troubles).toEqual([]);
    await page.close();
  });

  test("names what is wrong in its address", async () => {
    const { page } = await open(`room=${freshRoom("wrong")}&size=huge&colour=red`);
    const notice = (await page.locator("#notice").textContent()) ?? "";
    expect(notice).toContain("size");
    expect(notice).toContain("colour");
    await page.close();
  });
});
