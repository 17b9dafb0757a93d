/** An hour of comments through the overlay in a real browser, its worker's clock wound on by a tenth of a second per frame. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { describeInBrowser, useBrowser } from "./browser.ts";
import { Heaps } from "./heaps.ts";
import { OverlayPage, useOverlaySite } from "./overlay-page.ts";

setDefaultTimeout(600_000);

const FRAME_MS = 100;
const HOUR_S = 3600;
const PER_SECOND = 5;
/** Memory is compared from here on: caches are full, code is compiled. */
const WARM_S = 600;
/** What counts as flat: some thirty bytes for each of the 15,000 comments that came since. One that is kept takes more. */
const FLAT_BYTES = 512 * 1024;
/** Of so many measurements at the end the least counts: caches that fill and are emptied are no growth. */
const LAST = 3;

interface Memory {
  readonly atS: number;
  readonly workerBytes: number;
  readonly pageBytes: number;
  readonly sprites: number;
  readonly spritePixels: number;
}

/** Runs in the worker before its own script: the next frame comes at once, and finds the clock wound on. */
const windOn = (frameMs: number): string => `
  const nowMs = performance.now.bind(performance);
  const later = self.setTimeout.bind(self);
  let aheadMs = 0;
  let frames = 0;
  const waiting = new Map();
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = ({ data }) => {
    const draw = waiting.get(data);
    waiting.delete(data);
    if (draw === undefined) return;
    aheadMs += ${frameMs};
    draw(performance.now());
  };
  performance.now = () => nowMs() + aheadMs;
  self.requestAnimationFrame = (draw) => {
    waiting.set(++frames, draw);
    port2.postMessage(frames);
    return frames;
  };
  self.cancelAnimationFrame = (frame) => waiting.delete(frame);
  self.setTimeout = (call, ms = 0) => later(() => { aheadMs += ms; call(); }, 0);
`;

describeInBrowser("over an hour", () => {
  const browser = useBrowser();
  const site = useOverlaySite();

  async function open(): Promise<{ opened: OverlayPage; heaps: Heaps }> {
    const opened = await OverlayPage.open(await browser(), site(), { isBare: true });
    const { page } = opened;
    const heaps = await Heaps.of(page);
    await page.evaluate((before) => {
      window.Worker = class extends Worker {
        constructor(url: string | URL) {
          const text = `${before}\nimportScripts(${JSON.stringify(url)});`;
          super(URL.createObjectURL(new Blob([text], { type: "text/javascript" })));
        }
      };
      const stage = document.getElementById("stage") as HTMLElement;
      window.overlay = new window.made.Overlay(stage);
    }, windOn(FRAME_MS));
    await page.evaluate(() => window.overlay.stats());
    return { opened, heaps };
  }

  async function memory(opened: OverlayPage, heaps: Heaps, atS: number): Promise<Memory> {
    const { sprites, spritePixels } = await opened.stats();
    return {
      atS,
      workerBytes: await heaps.workerBytes(),
      pageBytes: await heaps.pageBytes(),
      sprites,
      spritePixels,
    };
  }

  function expectFlat(kind: string, measured: readonly Memory[]): void {
    const rows = measured.map(
      ({ atS, workerBytes, pageBytes, sprites, spritePixels }) =>
        `${atS / 60} min: worker ${Math.round(workerBytes / 1024)} KiB, page ${Math.round(pageBytes / 1024)} KiB, ${sprites} bitmaps of ${Math.round(spritePixels / 1000)} thousand pixels`,
    );
    console.log(`${kind}\n  ${rows.join("\n  ")}`);
    const [first, ...later] = measured.filter(({ atS }) => atS >= WARM_S);
    if (first === undefined) throw new Error("nothing was measured");
    expect(later.length).toBeGreaterThan(LAST);
    const least = (bytesOf: (memory: Memory) => number) => Math.min(...later.slice(-LAST).map(bytesOf));
    expect(least(({ workerBytes }) => workerBytes) - first.workerBytes).toBeLessThan(FLAT_BYTES);
    expect(least(({ pageBytes }) => pageBytes) - first.pageBytes).toBeLessThan(FLAT_BYTES);
    for (const { sprites, spritePixels } of later) {
      // Those on stage, and 256 that are kept for the next comment with the same look.
      expect(sprites).toBeLessThan(256 + 200);
      expect(spritePixels).toBeLessThan(first.spritePixels * 1.5);
    }
  }

  test("live, with ever new texts, nothing grows", async () => {
    const { opened, heaps } = await open();
    const measured: Memory[] = [];
    for (let atS = 0; atS <= HOUR_S; atS += WARM_S) {
      measured.push(await memory(opened, heaps, atS));
      await opened.page.evaluate(
        async ([fromS, forS, perSecond, framesPerSecond]) => {
          const { overlay } = window;
          const { frames } = await overlay.stats();
          for (let second = 0; second < forS; second++) {
            overlay.emit(
              Array.from({ length: perSecond }, (_, n) => ({
                content: `第 ${(fromS + second) * perSecond + n} 条`,
                uid: `u${n}`,
                offset: (fromS + second) * perSecond + n,
              })),
            );
            while ((await overlay.stats()).frames < frames + (second + 1) * framesPerSecond);
          }
        },
        [atS, WARM_S, PER_SECOND, 1000 / FRAME_MS] as const,
      );
    }
    const { shown, frames } = await opened.stats();
    expect(shown).toBeGreaterThan(HOUR_S * PER_SECOND * 0.9);
    expect(frames).toBeGreaterThanOrEqual((HOUR_S * 1000) / FRAME_MS);
    expectFlat("live", measured);
    expect(opened.troubles).toEqual([]);
    await opened.close();
  });

  test("over a recording of an hour, nothing grows", async () => {
    const { opened, heaps } = await open();
    await opened.page.evaluate(
      async ([hourS, perSecond]) => {
        const { overlay } = window;
        await overlay.load(
          Array.from({ length: hourS * perSecond }, (_, n) => ({
            content: `第 ${n} 条`,
            timeMs: (n * 1000) / perSecond,
          })),
        );
        overlay.follow({ positionMs: 0, rate: 1, isRunning: true });
      },
      [HOUR_S, PER_SECOND] as const,
    );
    const measured: Memory[] = [];
    for (let atS = 0; atS < HOUR_S; atS += WARM_S) {
      measured.push(await memory(opened, heaps, atS));
      const count = Math.min((atS + WARM_S) * PER_SECOND, HOUR_S * PER_SECOND - PER_SECOND);
      await opened.page.evaluate(async (count) => {
        for (;;) {
          const { shown, dropped } = await window.overlay.stats();
          if (shown + dropped.full + dropped.late >= count) return;
        }
      }, count);
    }
    measured.push(await memory(opened, heaps, HOUR_S));
    const { shown, timeline } = await opened.stats();
    expect(timeline).toBe(HOUR_S * PER_SECOND);
    expect(shown).toBeGreaterThan(HOUR_S * PER_SECOND * 0.9);
    expectFlat("recorded", measured);
    await opened.close();
  });
});
