import { expect, test } from "bun:test";
import { freshRoom, useNode, waitFor } from "@danmakud/testkit";
import { describeInBrowser, hasChromium, useBrowser, ViewerPage } from "./browser.ts";

describeInBrowser("the viewer page", () => {
  const node = hasChromium ? useNode() : undefined;
  const browser = useBrowser();
  const url = () => node?.().url ?? "";

  test("can be used by keyboard alone", async () => {
    const room = freshRoom("keys");
    const { page, ...viewer } = await openPage(room);
    await page.keyboard.press("Tab");
    expect(await focused()).toBe("a.skip");
    await page.keyboard.press("Enter");
    await page.keyboard.press("Tab");
    // The link leads to the box to write in: what comes next is it, or the button behind it.
    await page.focus("#composer-text");
    await page.keyboard.type("typed by hand");
    await page.keyboard.press("Enter");
    await viewer.has("typed by hand");
    await page.focus('input[name="color"][value="#ffffff"]');
    await page.keyboard.press("ArrowRight");
    expect(await page.locator('input[name="color"]:checked').inputValue()).toBe("#ffd75e");
    await page.focus("#open-settings");
    await page.keyboard.press("Enter");
    await page.locator("#settings").waitFor();
    await page.keyboard.press("Tab");
    await page.keyboard.press("Tab");
    expect(await focused()).toBe("input");
    await page.keyboard.press("Escape");
    await page.locator("#settings").waitFor({ state: "hidden" });
    expect(await focused()).toBe("button.tool");
    await viewer.close();

    async function focused(): Promise<string> {
      return page.evaluate(() => {
        const element = document.activeElement;
        return element === null ? "" : [element.localName, ...element.classList].join(".");
      });
    }
  });

  test("gives every control a name", async () => {
    const { page, close } = await openPage(freshRoom("names"));
    const nameless = await page.locator("button, input, a, select").evaluateAll((controls) =>
      controls
        .filter((control) => {
          const labels = control instanceof HTMLInputElement ? [...(control.labels ?? [])] : [];
          const words = [
            control.getAttribute("aria-label"),
            control.textContent,
            ...labels.map((l) => l.textContent),
          ];
          return !words.some((word) => (word ?? "").trim() !== "");
        })
        .map((control) => control.outerHTML),
    );
    expect(nameless).toEqual([]);
    await close();
  });

  test("remembers language and display settings, and each tab's uid over a reload", async () => {
    const room = freshRoom("memory");
    const { page, has, close } = await openPage(room);
    await page.click("#language");
    expect(await page.textContent("#send")).toBe("发送");
    await page.click("#open-settings");
    await page.locator('#settings input[name="opacity"]').fill("40");
    await page.fill("#composer-text", "still me");
    await page.keyboard.press("Enter");
    await has("still me");
    await page.reload();
    await has("still me");
    expect(await page.textContent("#send")).toBe("发送");
    expect(await page.locator("#flight > div").evaluate((layer) => getComputedStyle(layer).opacity)).toBe(
      "0.4",
    );
    expect(await page.locator(".row.own").count()).toBe(1);
    await close();
  });

  test("opens another room by its name", async () => {
    const { page, close } = await openPage(freshRoom("first"));
    const second = freshRoom("second");
    await page.fill("#room-name", "not a room!");
    await page.press("#room-name", "Enter");
    expect(page.url()).not.toContain("second");
    await page.fill("#room-name", second);
    await page.press("#room-name", "Enter");
    await page.waitForURL(`**/?room=${second}`);
    await page.locator('#status[data-state="connected"]').waitFor();
    expect(await page.textContent("#stage-room")).toBe(second);
    await close();
  });

  test("shows comments standing still to those who want less motion", async () => {
    const { page, viewer, close } = await openPage(freshRoom("still"), { reducedMotion: "reduce" });
    await viewer.say("calm");
    await waitFor("the comment on the stage", () => viewer.isFlying());
    const before = await viewer.flyingLeft();
    await page.evaluate(
      () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))),
    );
    expect(await viewer.flyingLeft()).toBe(before);
    await close();
  });

  test.each([
    [390, 844],
    [820, 1180],
    [1280, 800],
    [1920, 1080],
    [844, 390],
  ])("fits a window of %d × %d", async (width, height) => {
    const { page, close } = await openPage(freshRoom("fit"), { viewport: { width, height } });
    const overflow = await page.evaluate(() => {
      const root = document.documentElement;
      return [root.scrollWidth - root.clientWidth, root.scrollHeight - root.clientHeight];
    });
    expect(overflow).toEqual([0, 0]);
    for (const part of ["#stage", "#list", "#composer-text", "#send", "#status", "#language"]) {
      const box = await page.locator(part).boundingBox();
      expect(box).not.toBeNull();
      expect(box!.x).toBeGreaterThanOrEqual(0);
      expect(box!.x + box!.width).toBeLessThanOrEqual(width);
      expect(box!.y + box!.height).toBeLessThanOrEqual(height);
    }
    await close();
  });

  async function openPage(room: string, options: Parameters<typeof ViewerPage.open>[3] = {}) {
    const viewer = await ViewerPage.open(await browser(), url(), room, options);
    return {
      viewer,
      page: viewer.page,
      has: (content: string) => viewer.hasComment(content),
      close: () => viewer.close(),
    };
  }
});
