import { afterAll, beforeAll, expect, test } from "bun:test";
import { waitFor } from "@danmakud/testkit";
import type { Page } from "playwright-core";
import { buildLibrary } from "../../scripts/build-library.ts";
import { describeInBrowser, hasChromium, useBrowser } from "./browser.ts";

type OverlayModule = typeof import("@danmakud/overlay");
type Overlay = InstanceType<OverlayModule["Overlay"]>;

declare global {
  interface Window {
    overlay: Overlay;
    made: OverlayModule;
  }
}

const PAGE = `<!doctype html><meta charset="utf-8"><body style="margin:0;background:#123">
<div id="stage" style="position:relative;width:640px;height:360px"></div>`;

describeInBrowser("the overlay", () => {
  const browser = useBrowser();
  let server: ReturnType<typeof Bun.serve>;

  beforeAll(async () => {
    if (!hasChromium) return;
    const library = await buildLibrary("packages/overlay");
    server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: ({ url }) => {
        const { pathname } = new URL(url);
        if (pathname === "/overlay.js")
          return new Response(library, { headers: { "content-type": "text/javascript" } });
        const policy =
          pathname === "/strict" ? { "content-security-policy": "script-src 'self'" } : undefined;
        return new Response(PAGE, { headers: { "content-type": "text/html", ...policy } });
      },
    });
  });
  afterAll(() => server?.stop(true));

  async function open(options: Record<string, unknown> = {}, path = "/", context = {}) {
    const page = await (await browser()).newPage({ viewport: { width: 640, height: 360 }, ...context });
    const troubles: string[] = [];
    page.on("pageerror", (error) => troubles.push(String(error)));
    await page.goto(`http://127.0.0.1:${server.port}${path}`);
    await page.addScriptTag({
      type: "module",
      url: "/overlay.js",
    });
    await page.evaluate(async (options) => {
      window.made = (await import(`${location.origin}/overlay.js`)) as OverlayModule;
      window.overlay = new window.made.Overlay(document.getElementById("stage") as HTMLElement, options);
    }, options);
    return { page, troubles };
  }

  const stats = (page: Page) => page.evaluate(() => window.overlay.stats());

  /** Pixels of the canvas that are not empty, in the canvas's own count, within fractions of its width. */
  const inked = (page: Page, from = 0, to = 1) =>
    page.evaluate(
      ([from = 0, to = 1]) => {
        const canvas = document.querySelector("#stage canvas") as HTMLCanvasElement;
        const copy = document.createElement("canvas");
        copy.width = canvas.width;
        copy.height = canvas.height;
        const context = copy.getContext("2d") as CanvasRenderingContext2D;
        if (canvas.width === 0) return 0;
        context.drawImage(canvas, 0, 0);
        const left = Math.floor(canvas.width * from);
        const { data } = context.getImageData(left, 0, Math.ceil(canvas.width * (to - from)), canvas.height);
        let count = 0;
        for (let at = 3; at < data.length; at += 4) if (data[at] !== 0) count++;
        return count;
      },
      [from, to],
    );

  test("draws in a worker, and rests when nothing is left to draw", async () => {
    const { page, troubles } = await open({ stillMs: 500 });
    await page.evaluate(() => window.overlay.emit({ content: "弹幕 hello", mode: "top" }));
    await waitFor("ink on the stage", async () => (await inked(page)) > 100);
    expect((await stats(page)).engine).toBe("worker");
    await waitFor("an empty stage", async () => (await inked(page)) === 0);
    const before = (await stats(page)).frames;
    await page.evaluate(() => new Promise((done) => setTimeout(done, 400)));
    // Asking for the counts draws nothing; a running loop would have drawn some 24 frames.
    expect((await stats(page)).frames - before).toBeLessThanOrEqual(1);
    expect(troubles).toEqual([]);
    await page.close();
  });

  test("falls back to the page's own canvas where the policy refuses the worker, losing nothing", async () => {
    const { page } = await open({ mode: "auto" }, "/strict");
    await page.evaluate(() => window.overlay.emit({ content: "still here" }));
    await waitFor("the other engine", async () => (await stats(page)).engine === "canvas");
    await waitFor("ink on the stage", async () => (await inked(page)) > 100);
    expect((await stats(page)).shown).toBe(1);
    await page.close();
  });

  test("tells of presses on comments that can be pressed, and shows their text as text", async () => {
    const { page, troubles } = await open({ clickable: true });
    const pressed = page.evaluate(
      () => new Promise<string>((done) => window.overlay.on("click", ({ comment }) => done(comment.content))),
    );
    const hostile = "<img src=x onerror=alert(1)>";
    await page.evaluate((content) => window.overlay.emit({ content, mode: "top" }), hostile);
    await page.locator("#stage span", { hasText: hostile }).click();
    expect(await pressed).toBe(hostile);
    expect(await page.locator("#stage img").count()).toBe(0);
    expect((await stats(page)).engine).toBe("dom");
    expect(troubles).toEqual([]);
    await page.close();
  });

  test.each(["worker", "canvas", "dom"] as const)("%s: a removed comment leaves at once", async (engine) => {
    const { page } = await open({ engine, stillMs: 60_000 });
    await page.evaluate(() => {
      window.overlay.emit([
        { content: "first", offset: 1, uid: "a", mode: "top" },
        { content: "second", offset: 2, uid: "b", mode: "top" },
        { content: "third", offset: 3, uid: "b", mode: "bottom" },
        { content: "fourth", offset: 4, uid: "b", mode: "bottom" },
      ]);
    });
    await waitFor("all of them", async () => (await stats(page)).onScreen === 4);
    await page.evaluate(() => window.overlay.remove(1));
    expect((await stats(page)).onScreen).toBe(3);
    await page.evaluate(() => window.overlay.removeByUser("b", 4));
    expect((await stats(page)).onScreen).toBe(1);
    await page.evaluate(() => window.overlay.clear());
    expect((await stats(page)).onScreen).toBe(0);
    if (engine !== "dom") await waitFor("an empty stage", async () => (await inked(page)) === 0);
    else expect(await page.locator("#stage span:visible").count()).toBe(0);
    await page.close();
  });

  test("leaves masked parts of the stage free", async () => {
    const { page } = await open({ stillMs: 60_000 });
    await page.evaluate(() => {
      window.overlay.setMask([{ x: 0.5, y: 0, width: 0.5, height: 1 }]);
      window.overlay.emit({ content: "across the middle of the stage", mode: "top" });
    });
    await waitFor("ink on the left", async () => (await inked(page, 0, 0.5)) > 100);
    expect(await inked(page, 0.5, 1)).toBe(0);
    await page.evaluate(() => window.overlay.setMask(null));
    await waitFor("ink on the right", async () => (await inked(page, 0.5, 1)) > 100);
    await page.close();
  });

  test("follows media: its time, its pauses, its seeks", async () => {
    const { page } = await open();
    const follow = (positionMs: number, isRunning: boolean) =>
      page.evaluate(([positionMs, isRunning]) => window.overlay.follow({ positionMs, isRunning, rate: 1 }), [
        positionMs,
        isRunning,
      ] as const);
    await page.evaluate(() =>
      window.overlay.load([
        { content: "in the beginning", timeMs: 0 },
        { content: "soon after", timeMs: 1000 },
        { content: "much later", timeMs: 600_000 },
      ]),
    );
    await follow(2000, false);
    await waitFor("what is under way then", async () => (await stats(page)).onScreen === 2);
    await waitFor("ink on the stage", async () => (await inked(page)) > 100);
    const paused = await inked(page);
    expect(await inked(page)).toBe(paused);
    await follow(300_000, false);
    await waitFor("an empty stage", async () => (await stats(page)).onScreen === 0);
    await follow(600_000 - 50, true);
    await waitFor("the last one", async () => (await stats(page)).onScreen === 1);
    expect((await stats(page)).timeline).toBe(3);
    await page.close();
  });

  test("while hidden leaves out what comes, and shows none of it afterwards", async () => {
    const { page } = await open();
    await page.evaluate(() => {
      window.overlay.hide();
      for (let n = 0; n < 500; n++) window.overlay.emit({ content: `unseen ${n}` });
    });
    const hidden = await stats(page);
    expect(hidden.dropped.hidden).toBe(500);
    await page.evaluate(() => window.overlay.show());
    expect((await stats(page)).onScreen + (await stats(page)).waiting).toBe(0);
    await page.evaluate(() => window.overlay.emit({ content: "seen" }));
    await waitFor("the next one", async () => (await stats(page)).onScreen === 1);
    await page.close();
  });

  test("keeps what is under way through a change of size", async () => {
    const { page } = await open();
    await page.evaluate(() => {
      for (let n = 0; n < 6; n++) window.overlay.emit({ content: `number ${n}` });
    });
    await waitFor("all of them", async () => (await stats(page)).onScreen === 6);
    await page.setViewportSize({ width: 1000, height: 600 });
    await page.evaluate(() => {
      const { style } = document.getElementById("stage") as HTMLElement;
      style.width = "1000px";
      style.height = "600px";
    });
    const width = () =>
      page.locator("#stage canvas").evaluate((canvas) => (canvas as HTMLCanvasElement).width);
    await waitFor("the canvas to follow", async () => (await width()) === 1000);
    expect(await stats(page)).toMatchObject({ onScreen: 6, dropped: { resized: 0 } });
    await page.close();
  });

  test("keeps memory bounded over ten thousand different comments", async () => {
    const { page } = await open({ overflow: "overlap", speed: 4 });
    await page.evaluate(async () => {
      for (let batch = 0; batch < 100; batch++) {
        for (let n = 0; n < 100; n++) window.overlay.emit({ content: `different ${batch} ${n}` });
        await new Promise((done) => setTimeout(done, 5));
      }
    });
    const during = await stats(page);
    expect(during.spritePixels).toBeLessThanOrEqual(32 * 1024 * 1024 * 1.01);
    expect(during.onScreen + during.waiting).toBeLessThanOrEqual(5000);
    const { shown, dropped } = during;
    expect(shown + Object.values(dropped).reduce((sum, count) => sum + count, 0)).toBe(10_000);
    await page.evaluate(() => window.overlay.clear());
    expect((await stats(page)).sprites).toBeLessThanOrEqual(256);
    await page.close();
  });

  test("offers the comments to screen readers, as text", async () => {
    const { page } = await open({ readerLabel: "Danmaku" });
    await page.evaluate(() => {
      for (let n = 0; n < 50; n++) window.overlay.emit({ content: `<b>comment ${n}</b>` });
    });
    const list = page.locator('#stage [role="log"][aria-label="Danmaku"] li');
    await waitFor("the list", async () => (await list.count()) > 0);
    expect(await list.count()).toBe(30);
    expect(await list.last().textContent()).toBe("<b>comment 49</b>");
    await page.close();
  });

  test("leaves nothing behind when destroyed, and refuses what is no comment", async () => {
    const { page } = await open();
    const refusal = await page.evaluate(() => {
      try {
        window.overlay.emit({ content: 7 } as never);
      } catch (error) {
        return String(error);
      }
      return "";
    });
    expect(refusal).toContain("content");
    await page.evaluate(() => window.overlay.destroy());
    expect(await page.locator("#stage > *").count()).toBe(0);
    await page.evaluate(() => window.overlay.emit({ content: "too late" }));
    await page.close();
  });
});
