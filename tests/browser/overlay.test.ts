import { expect, test } from "bun:test";
import { waitFor } from "@danmakud/testkit";
import { describeInBrowser, useBrowser } from "./browser.ts";
import { OverlayPage, useOverlaySite } from "./overlay-page.ts";

describeInBrowser("the overlay", () => {
  const browser = useBrowser();
  const site = useOverlaySite();
  const open = async (options: Record<string, unknown> = {}, path = "/") =>
    OverlayPage.open(await browser(), site(), { options, path });

  test("draws in a worker, and rests when nothing is left to draw", async () => {
    const opened = await open({ stillMs: 500 });
    const { page, troubles } = opened;
    await page.evaluate(() => window.overlay.emit({ content: "弹幕 hello", mode: "top" }));
    await waitFor("ink on the stage", async () => (await opened.inked()) > 100);
    expect((await opened.stats()).engine).toBe("worker");
    await waitFor("an empty stage", async () => (await opened.inked()) === 0);
    const before = (await opened.stats()).frames;
    await page.evaluate(() => new Promise((done) => setTimeout(done, 400)));
    // Asking for the counts draws nothing; a running loop would have drawn some 24 frames.
    expect((await opened.stats()).frames - before).toBeLessThanOrEqual(1);
    expect(troubles).toEqual([]);
    await page.close();
  });

  test("a recording that another replaces before the worker is there is answered too; nothing asked outlives it", async () => {
    const opened = await open();
    const { page, troubles } = opened;
    const timeline = await page.evaluate(async () => {
      const stage = document.getElementById("stage") as HTMLElement;
      window.overlay.destroy();
      window.overlay = new window.made.Overlay(stage, { engine: "worker" });
      const comments = (count: number) =>
        Array.from({ length: count }, (_, n) => ({ content: `n ${n}`, timeMs: n * 1000 }));
      await Promise.all([window.overlay.load(comments(5)), window.overlay.load(comments(7))]);
      return (await window.overlay.stats()).timeline;
    });
    expect(timeline).toBe(7);
    // A listener's question is on its way when the overlay goes.
    await page.evaluate(async () => {
      const { setInterval: every } = window;
      let ask = () => {};
      window.setInterval = ((run: () => void) => {
        ask = run;
        return 0;
      }) as typeof window.setInterval;
      window.overlay.on("stats", () => {});
      window.setInterval = every;
      ask();
      window.overlay.destroy();
      await new Promise((done) => setTimeout(done, 0));
    });
    expect(troubles).toEqual([]);
    await page.close();
  });

  test("falls back to the page's own canvas where the policy refuses the worker, losing nothing", async () => {
    const opened = await open({ mode: "auto" }, "/strict");
    const { page } = opened;
    await page.evaluate(() => window.overlay.emit({ content: "still here" }));
    await waitFor("the other engine", async () => (await opened.stats()).engine === "canvas");
    await waitFor("ink on the stage", async () => (await opened.inked()) > 100);
    expect((await opened.stats()).shown).toBe(1);
    await page.close();
  });

  test("tells of presses on comments that can be pressed, and shows their text as text", async () => {
    const opened = await open({ clickable: true, stillMs: 60_000 });
    const { page, troubles } = opened;
    const pressed = page.evaluate(
      () => new Promise<string>((done) => window.overlay.on("click", ({ comment }) => done(comment.content))),
    );
    const hostile = "<img src=x onerror=alert(1)>";
    await page.evaluate((content) => window.overlay.emit({ content, mode: "top" }), hostile);
    await page.locator("#stage span", { hasText: hostile }).click();
    expect(await pressed).toBe(hostile);
    expect(await page.locator("#stage img").count()).toBe(0);
    expect((await opened.stats()).engine).toBe("dom");
    expect(troubles).toEqual([]);
    await page.close();
  });

  test.each(["worker", "canvas", "dom"] as const)("%s: a removed comment leaves at once", async (engine) => {
    const opened = await open({ engine, stillMs: 60_000 });
    const { page } = opened;
    await page.evaluate(() => {
      window.overlay.emit([
        { content: "first", offset: 1, uid: "a", mode: "top" },
        { content: "second", offset: 2, uid: "b", mode: "top" },
        { content: "third", offset: 3, uid: "b", mode: "bottom" },
        { content: "fourth", offset: 4, uid: "b", mode: "bottom" },
      ]);
    });
    await waitFor("all of them", async () => (await opened.stats()).onScreen === 4);
    await page.evaluate(() => window.overlay.remove(1));
    expect((await opened.stats()).onScreen).toBe(3);
    await page.evaluate(() => window.overlay.removeByUser("b", 4));
    expect((await opened.stats()).onScreen).toBe(1);
    await page.evaluate(() => window.overlay.clear());
    expect((await opened.stats()).onScreen).toBe(0);
    if (engine !== "dom") await waitFor("an empty stage", async () => (await opened.inked()) === 0);
    else expect(await page.locator("#stage span:visible").count()).toBe(0);
    await page.close();
  });

  test("leaves masked parts of the stage free", async () => {
    const opened = await open({ stillMs: 60_000 });
    const { page } = opened;
    await page.evaluate(() => {
      window.overlay.setMask([{ x: 0.5, y: 0, width: 0.5, height: 1 }]);
      window.overlay.emit({ content: "across the middle of the stage", mode: "top" });
    });
    await waitFor("ink on the left", async () => (await opened.inked(0, 0.5)) > 100);
    expect(await opened.inked(0.5, 1)).toBe(0);
    await page.evaluate(() => window.overlay.setMask(null));
    await waitFor("ink on the right", async () => (await opened.inked(0.5, 1)) > 100);
    await page.close();
  });

  test.each(["worker", "dom"] as const)("%s: leaves the opaque parts of a picture free", async (engine) => {
    const opened = await open({ engine, stillMs: 60_000 });
    const { page } = opened;
    await page.evaluate(async () => {
      // As a model gives it that finds a person: small, and opaque where the person is.
      const picture = new OffscreenCanvas(8, 8);
      picture.getContext("2d")?.fillRect(4, 0, 4, 8);
      window.overlay.setMask(await createImageBitmap(picture));
      window.overlay.emit({ content: "across the middle of the stage", mode: "top" });
    });
    if (engine === "dom") {
      await page.locator("#stage span", { hasText: "across" }).waitFor();
      const mask = () =>
        page.evaluate(() => (document.querySelector("#stage > div") as HTMLElement).style.maskImage);
      expect(await mask()).toStartWith("url(");
      await page.evaluate(() => window.overlay.setMask(null));
      expect(await mask()).toBe("");
    } else {
      await waitFor("ink on the left", async () => (await opened.inked(0, 0.45)) > 100);
      // The picture's edge is soft.
      expect(await opened.inked(0.6, 1)).toBe(0);
      await page.evaluate(() => window.overlay.setMask(null));
      await waitFor("ink on the right", async () => (await opened.inked(0.6, 1)) > 20);
    }
    await page.close();
  });

  test("stands while paused, but for the viewer's own; tells its counts to those who listen", async () => {
    const opened = await open();
    const { page } = opened;
    await page.evaluate(() => {
      window.overlay.emit({ content: "under way" });
    });
    await waitFor("it on the stage", async () => (await opened.inked()) > 50);
    await page.evaluate(() => {
      window.overlay.pause();
      window.overlay.emit([{ content: "too late" }, { content: "mine", own: true }]);
    });
    await waitFor("two on the stage", async () => (await opened.stats()).onScreen === 2);
    expect((await opened.stats()).dropped.paused).toBe(1);
    const told = page.evaluate(
      () =>
        new Promise<number>((done) => {
          const stop = window.overlay.on("stats", ({ shown }) => {
            stop();
            done(shown);
          });
        }),
    );
    expect(await told).toBe(2);
    const { frames } = await opened.stats();
    await page.evaluate(() => window.overlay.resume());
    await waitFor("motion", async () => (await opened.stats()).frames > frames + 5);
    await page.close();
  });

  test("follows media: its time, its pauses, its seeks", async () => {
    const opened = await open();
    const { page } = opened;
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
    await waitFor("what is under way then", async () => (await opened.stats()).onScreen === 2);
    await waitFor("ink on the stage", async () => (await opened.inked()) > 100);
    const paused = await opened.inked();
    expect(await opened.inked()).toBe(paused);
    await follow(300_000, false);
    await waitFor("an empty stage", async () => (await opened.stats()).onScreen === 0);
    await follow(600_000 - 50, true);
    await waitFor("the last one", async () => (await opened.stats()).onScreen === 1);
    expect((await opened.stats()).timeline).toBe(3);
    await page.close();
  });

  test("while hidden leaves out what comes, and shows none of it afterwards", async () => {
    const opened = await open();
    const { page } = opened;
    await page.evaluate(() => {
      window.overlay.hide();
      for (let n = 0; n < 500; n++) window.overlay.emit({ content: `unseen ${n}` });
    });
    const hidden = await opened.stats();
    expect(hidden.dropped.hidden).toBe(500);
    await page.evaluate(() => window.overlay.show());
    expect((await opened.stats()).onScreen + (await opened.stats()).waiting).toBe(0);
    await page.evaluate(() => window.overlay.emit({ content: "seen" }));
    await waitFor("the next one", async () => (await opened.stats()).onScreen === 1);
    await page.close();
  });

  test("keeps what is under way through a change of size", async () => {
    const opened = await open();
    const { page } = opened;
    await page.evaluate(() => {
      for (let n = 0; n < 6; n++) window.overlay.emit({ content: `number ${n}` });
    });
    await waitFor("all of them", async () => (await opened.stats()).onScreen === 6);
    await page.setViewportSize({ width: 1000, height: 600 });
    await page.evaluate(() => {
      const { style } = document.getElementById("stage") as HTMLElement;
      style.width = "1000px";
      style.height = "600px";
    });
    const width = () =>
      page.locator("#stage canvas").evaluate((canvas) => (canvas as HTMLCanvasElement).width);
    await waitFor("the canvas to follow", async () => (await width()) === 1000);
    expect(await opened.stats()).toMatchObject({ onScreen: 6, dropped: { resized: 0 } });
    await page.close();
  });

  test("keeps memory bounded over ten thousand different comments", async () => {
    const opened = await open({ overflow: "overlap", speed: 4 });
    const { page } = opened;
    await page.evaluate(async () => {
      for (let batch = 0; batch < 100; batch++) {
        for (let n = 0; n < 100; n++) window.overlay.emit({ content: `different ${batch} ${n}` });
        await new Promise((done) => setTimeout(done, 5));
      }
    });
    const during = await opened.stats();
    expect(during.spritePixels).toBeLessThanOrEqual(32 * 1024 * 1024 * 1.01);
    expect(during.onScreen + during.waiting).toBeLessThanOrEqual(5000);
    const { shown, dropped } = during;
    expect(shown + Object.values(dropped).reduce((sum, count) => sum + count, 0)).toBe(10_000);
    await page.evaluate(() => window.overlay.clear());
    expect((await opened.stats()).sprites).toBeLessThanOrEqual(256);
    await page.close();
  });

  test("offers the comments to screen readers, as text", async () => {
    const opened = await open({ readerLabel: "Danmaku" });
    const { page } = opened;
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
    const opened = await open();
    const { page } = opened;
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
