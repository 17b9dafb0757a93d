/** Media mode over a real `<video>`: a clip of a few seconds that the browser itself has recorded from a canvas. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { TEST_LIMIT_MS, waitFor } from "@danmakud/testkit";
import type { Page } from "playwright-core";
import { describeInBrowser, useBrowser } from "./browser.ts";
import { OverlayPage, useOverlaySite } from "./overlay-page.ts";

setDefaultTimeout(TEST_LIMIT_MS);

const CLIP_MS = 6000;
const EVERY_MS = 500;
/** What the overlay may be beside the video without correcting it at once. */
const DRIFT_MS = 400;

declare global {
  interface Window {
    video: HTMLVideoElement;
  }
}

describeInBrowser("the overlay over a video", () => {
  const browser = useBrowser();
  const site = useOverlaySite();

  /** A page with the clip at its start, and a comment for every half second of it. */
  async function open(engine: "dom" | "worker"): Promise<OverlayPage> {
    const viewport = { width: 1280, height: 720 };
    const opened = await OverlayPage.open(await browser(), site(), { context: { viewport }, isBare: true });
    await opened.page.evaluate(
      async ([engine, clipMs, everyMs]) => {
        const canvas = document.createElement("canvas");
        canvas.width = 64;
        canvas.height = 36;
        const context = canvas.getContext("2d") as CanvasRenderingContext2D;
        let hue = 0;
        const painting = setInterval(() => {
          hue += 20;
          context.fillStyle = `hsl(${hue} 60% 40%)`;
          context.fillRect(0, 0, canvas.width, canvas.height);
        }, 50);
        const recorder = new MediaRecorder(canvas.captureStream(20));
        const parts: Blob[] = [];
        recorder.ondataavailable = ({ data }) => parts.push(data);
        recorder.start();
        await new Promise((done) => setTimeout(done, clipMs));
        await new Promise((done) => {
          recorder.onstop = done;
          recorder.stop();
        });
        clearInterval(painting);
        const stage = document.getElementById("stage") as HTMLElement;
        const video = document.createElement("video");
        window.video = video;
        video.muted = true;
        video.style.width = video.style.height = "100%";
        stage.append(video);
        const reached = (event: string) =>
          new Promise((done) => video.addEventListener(event, done, { once: true }));
        const loaded = reached("loadeddata");
        video.src = URL.createObjectURL(new Blob(parts));
        await loaded;
        // A recording does not say how long it is; a browser that has been at its end knows.
        let sought = reached("seeked");
        video.currentTime = 1e6;
        await sought;
        sought = reached("seeked");
        video.currentTime = 0;
        await sought;
        window.overlay = new window.made.Overlay(stage, { engine, media: video });
        await window.overlay.load(
          Array.from({ length: clipMs / everyMs }, (_, n) => ({ content: `n ${n}`, timeMs: n * everyMs })),
        );
      },
      [engine, CLIP_MS, EVERY_MS] as const,
    );
    return opened;
  }

  /**
   * The overlay's time by where its first comment stands, and the video's at the same moment. One that stands at the right
   * edge has just entered, and has left when it stands its own width beyond the left one.
   */
  const times = (page: Page) =>
    page.evaluate(() => {
      const element = [...document.querySelectorAll<HTMLElement>("#stage span")].find(
        ({ textContent }) => textContent === "n 0",
      );
      const stage = document.getElementById("stage") as HTMLElement;
      const width = stage.clientWidth;
      const left = Number(/translate3d\((-?[\d.e+-]+)px/.exec(element?.style.transform ?? "")?.[1]);
      const way = (width - left) / (width + (element?.offsetWidth ?? 0));
      return { way, shownMs: way * (4300 + width * 3.7), videoMs: window.video.currentTime * 1000 };
    });

  const inStep = (page: Page, what: string, withinMs = 150) =>
    waitFor(`the overlay in step ${what}`, async () => {
      const { shownMs, videoMs } = await times(page);
      return Math.abs(shownMs - videoMs) < withinMs;
    });
  const play = (page: Page) => page.evaluate(() => window.video.play());
  const pause = async (page: Page) => {
    await page.evaluate(() => window.video.pause());
    // A frame of after the pause.
    await page.evaluate(
      () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))),
    );
  };
  const seek = (page: Page, ms: number) =>
    page.evaluate(
      (ms) =>
        new Promise((done) => {
          window.video.addEventListener("seeked", done, { once: true });
          window.video.currentTime = ms / 1000;
        }),
      ms,
    );

  test("plays, pauses, changes its rate and its place with it", async () => {
    const opened = await open("dom");
    const { page, troubles } = opened;
    expect((await opened.stats()).onScreen).toBe(1);
    await play(page);
    await waitFor("a second of it", async () => (await times(page)).videoMs > 1000);
    await inStep(page, "while it plays");

    await pause(page);
    const paused = await times(page);
    expect(Math.abs(paused.shownMs - paused.videoMs)).toBeLessThan(DRIFT_MS);
    await page.evaluate(() => new Promise((done) => setTimeout(done, 300)));
    expect(await times(page)).toEqual(paused);

    for (const rate of [0.5, 2]) {
      await seek(page, 500);
      await page.evaluate((rate) => {
        window.video.playbackRate = rate;
      }, rate);
      await play(page);
      await waitFor("a second of it", async () => (await times(page)).videoMs > 1500);
      await inStep(page, `at ${rate} times its speed`);
      await pause(page);
    }

    for (const ms of [4000, 1000, 3000]) {
      await seek(page, ms);
      await inStep(page, `after a seek to ${ms} ms`, 1);
      expect((await opened.stats()).onScreen).toBe(ms / EVERY_MS + 1);
    }
    expect(troubles).toEqual([]);
    await opened.close();
  });

  test("keeps everyone's place when the stage becomes the whole screen", async () => {
    const opened = await open("dom");
    const { page } = opened;
    await seek(page, 3000);
    await inStep(page, "after the seek", 1);
    const before = await times(page);
    const count = (await opened.stats()).onScreen;
    const width = () => page.evaluate(() => document.getElementById("stage")?.clientWidth);
    await page.evaluate(() => document.getElementById("stage")?.requestFullscreen());
    await waitFor("full screen", async () => (await width()) === 1280);
    await waitFor("the new places", async () => Math.abs((await times(page)).way - before.way) < 1e-3);
    expect((await opened.stats()).onScreen).toBe(count);
    await page.evaluate(() => document.exitFullscreen());
    await waitFor("the small stage", async () => (await width()) === 640);
    await waitFor("the old places", async () => Math.abs((await times(page)).way - before.way) < 1e-3);
    await opened.close();
  });

  test("the same in a worker: what belongs to the place is drawn, and stands while the video does", async () => {
    const opened = await open("worker");
    const { page } = opened;
    await seek(page, 4000);
    await waitFor("nine comments", async () => (await opened.stats()).onScreen === 9);
    await waitFor("their ink", async () => (await opened.inked()) > 500);
    const { frames } = await opened.stats();
    const ink = await opened.inked();
    await page.evaluate(() => new Promise((done) => setTimeout(done, 300)));
    // Nothing moves, so nothing is drawn.
    expect((await opened.stats()).frames - frames).toBeLessThanOrEqual(1);
    expect(await opened.inked()).toBe(ink);
    await play(page);
    await waitFor("the next one", async () => (await opened.stats()).onScreen > 9);
    await seek(page, 0);
    await waitFor("the first ones alone", async () => (await opened.stats()).onScreen <= 3);
    await waitFor("the end", () => page.evaluate(() => window.video.ended));
    const atEnd = (await opened.stats()).frames;
    await page.evaluate(() => new Promise((done) => setTimeout(done, 300)));
    expect((await opened.stats()).frames - atEnd).toBeLessThanOrEqual(2);
    await opened.close();
  });
});
