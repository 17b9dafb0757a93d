/** One renderer in one page: a steady feed, then frames, main-thread time and CPU while it goes on. */
import type { Browser, CDPSession, Page } from "playwright-core";
import { cpuMicros, machineMicros, processTree } from "../load/cpu.ts";
import { bundleFor, PAGE, type Renderer } from "./renderers.ts";
import { countFrames } from "./trace.ts";

/** The load that all renderers get. */
export interface OverlayLoad {
  readonly texts: readonly string[];
  readonly onScreen: number;
  readonly crossingMs: number;
  /** Comments of a recording to load, and the time from one to the next. */
  readonly timeline: readonly string[];
  readonly timelineEveryMs: number;
}

const STAGE = { width: 1280, height: 720 } as const;
/** Comments are given every so often, as many as have become due. */
const FEED_EVERY_MS = 50;
/** Samples of the number on stage per measurement. */
const SAMPLES = 4;

/** Serves one renderer's page while `use` lasts. */
export async function withPage<Result>(
  browser: Browser,
  renderer: Renderer,
  use: (page: Page) => Promise<Result>,
): Promise<Result> {
  const script = await bundleFor(renderer);
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: ({ url }) =>
      new URL(url).pathname === "/renderer.js"
        ? new Response(script, { headers: { "content-type": "text/javascript" } })
        : new Response(PAGE, { headers: { "content-type": "text/html" } }),
  });
  const context = await browser.newContext({ viewport: STAGE });
  try {
    const page = await context.newPage();
    await page.goto(`http://127.0.0.1:${server.port}/?engine=${renderer.engine}`);
    await page.waitForFunction(() => window.contestant !== undefined);
    return await use(page);
  } finally {
    await context.close();
    await server.stop(true);
  }
}

/** Starts the renderer and feeds it for good, so that about `onScreen` comments are on stage after one crossing. */
async function feed(page: Page, { texts, onScreen, crossingMs }: OverlayLoad): Promise<void> {
  await page.evaluate(
    async ([texts, onScreen, crossingMs, everyMs]) => {
      const stage = document.getElementById("stage");
      if (stage === null) throw new Error("no stage");
      await window.contestant.start(stage, { texts, crossingMs });
      const startMs = performance.now();
      let sent = 0;
      setInterval(() => {
        const due = Math.floor(((performance.now() - startMs) * onScreen) / crossingMs);
        // What a renderer keeps from being given in time is given later: each gets the same comments.
        for (; sent < due; sent++) window.contestant.emit(texts[sent % texts.length] ?? "");
      }, everyMs);
    },
    [texts, onScreen, crossingMs, FEED_EVERY_MS] as const,
  );
}

/** Seconds of work that the page's main thread has done. */
async function mainThreadSeconds(session: CDPSession): Promise<number> {
  const { metrics } = await session.send("Performance.getMetrics");
  return metrics.find(({ name }) => name === "TaskDuration")?.value ?? Number.NaN;
}

/** Measures for some seconds, after the stage has filled. */
export async function measurePage(page: Page, load: OverlayLoad, seconds: number, browserPid: number) {
  await feed(page, load);
  await page.waitForTimeout(load.crossingMs + 1000);
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable");
  const counts: number[] = [];
  let elapsedMs = 0;
  let mainSeconds = 0;
  let cpu = 0;
  let foreign = 0;
  const frames = await countFrames(session, async () => {
    const pids = processTree(browserPid);
    const before = {
      main: await mainThreadSeconds(session),
      cpu: cpuMicros(pids),
      all: machineMicros(),
      at: performance.now(),
    };
    await page.waitForTimeout(seconds * 1000);
    elapsedMs = performance.now() - before.at;
    mainSeconds = (await mainThreadSeconds(session)) - before.main;
    cpu = cpuMicros(pids) - before.cpu;
    foreign = machineMicros() - before.all - cpu;
  });
  for (let sample = 0; sample < SAMPLES; sample++) {
    counts.push(await page.evaluate(() => window.contestant.onScreen()));
    await page.waitForTimeout(100);
  }
  return {
    framesPerSecond: (frames * 1000) / elapsedMs,
    mainThreadPerFrameMs: (mainSeconds * 1000) / Math.max(1, frames),
    mainThreadBusyRatio: (mainSeconds * 1000) / elapsedMs,
    onScreenCount: counts.reduce((sum, count) => sum + count, 0) / counts.length,
    browserCpuRatio: cpu / 1000 / elapsedMs,
    foreignBusyRatio: Math.max(0, foreign / 1000 / elapsedMs),
  };
}

/** Milliseconds until a recording is ready to be shown, in a page of its own. */
export function measureLoading(page: Page, { texts, crossingMs, timeline, timelineEveryMs }: OverlayLoad) {
  return page.evaluate(
    async ([texts, crossingMs, timeline, everyMs]) => {
      const stage = document.getElementById("stage");
      if (stage === null) throw new Error("no stage");
      await window.contestant.start(stage, { texts, crossingMs });
      const beganMs = performance.now();
      await window.contestant.load(timeline, everyMs);
      return performance.now() - beganMs;
    },
    [texts, crossingMs, timeline, timelineEveryMs] as const,
  );
}
