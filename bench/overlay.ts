import { existsSync } from "node:fs";
import type { Browser } from "playwright-core";
import { CHROMIUM, launchChromium } from "../tests/browser/chromium.ts";
import { type Contestant, measureInTurns } from "./harness/rounds.ts";
import type { Context, Metrics, Run, Scenario } from "./harness/scenario.ts";
import { measureLoading, measurePage, type OverlayLoad, withPage } from "./overlay/measure.ts";
import { RENDERERS, type Renderer, versionOf } from "./overlay/renderers.ts";

/** Of the feed's texts: short ones as they are usual in a rush, 2–10 wide characters. */
const WORDS = [
  "前方高能",
  "哈哈哈哈哈哈",
  "这也太好看了吧",
  "名场面",
  "泪目了",
  "第一次看直播好激动",
  "打卡",
  "下次一定",
  "おおおおお",
  "かわいい",
  "弹幕护体",
  "大家晚上好呀",
] as const;
const DIFFERENT_TEXTS = 600;
const CROSSING_MS = 9000;
const TIMELINE_EVERY_MS = 40;
/** A renderer whose page does not answer for so long is given up, and reported with that. */
const PATIENCE_MS = 60_000;
/** The warm-up of a comparison in turns asks for less than this; here a page of its own warms nothing up. */
const WARM_UP_SECONDS = 0.5;

/**
 * Renderers of flying comments in a headless Chromium without a GPU, 1280 × 720, text of 24 px with an outline. Each
 * gets the same texts at the rate that keeps so many on stage. Frames are those that the browser's display drew, by
 * its own trace; main-thread time is all work of the page's thread (script, layout, painting), by the browser's own
 * count. A renderer that leaves comments out shows it in `onScreenCount`.
 */
export const overlay: Scenario = {
  name: "overlay",
  summary: "flying comments in a browser without a GPU: frames and main-thread time beside other renderers",
  flags: [
    { name: "on-screen", kind: "number", default: 2000, help: "comments on stage at the same time" },
    { name: "timeline", kind: "number", default: 16_000, help: "comments of a recording to load" },
    { name: "systems", kind: "text", default: "", help: "only these, by commas" },
  ],
  defaults: { seconds: 12, rounds: 2 },
  table: {
    params: ["version"],
    metrics: [
      "framesPerSecond",
      "mainThreadPerFrameMs",
      "mainThreadBusyRatio",
      "onScreenCount",
      "browserCpuRatio",
      "loadTimelineMs",
      "foreignBusyRatio",
    ],
  },
  async run(context: Context): Promise<readonly Run[]> {
    const wanted = context.text("systems").split(",").filter(Boolean);
    const chosen = RENDERERS.filter(({ name }) => wanted.length === 0 || wanted.includes(name));
    const missing = (name: string, why: string): Run => ({ name, params: { missing: why }, metrics: {} });
    if (!existsSync(CHROMIUM)) return chosen.map(({ name }) => missing(name, `no browser at ${CHROMIUM}`));
    const load = makeLoad(context.number("on-screen"), context.number("timeline"));
    const failed: Run[] = [];
    const contestants: Contestant[] = [];
    const gaveUp = new Map<string, string>();
    for (const renderer of chosen) {
      const why = await reasonNotToRun(renderer, load);
      if (why !== undefined) failed.push(missing(renderer.name, why));
      else contestants.push(contestant(renderer, load, gaveUp));
    }
    const runs = await measureInTurns(context, contestants);
    return [
      ...runs.map((run) => {
        const why = gaveUp.get(run.name);
        return why === undefined ? run : missing(run.name, why);
      }),
      ...failed,
    ];
  },
};

function makeLoad(onScreen: number, timeline: number): OverlayLoad {
  const texts = Array.from(
    { length: DIFFERENT_TEXTS },
    (_, at) => `${WORDS[at % WORDS.length]}${at < 2 * WORDS.length ? "" : at}`,
  );
  return {
    texts,
    onScreen,
    crossingMs: CROSSING_MS,
    timeline: Array.from({ length: timeline }, (_, at) => `${WORDS[(at * 7) % WORDS.length]}${at}`),
    timelineEveryMs: TIMELINE_EVERY_MS,
  };
}

/** Every renderer has a browser of its own: none inherits another's caches or garbage. */
async function inBrowser<Result>(use: (browser: Browser, pid: number) => Promise<Result>): Promise<Result> {
  const server = await launchChromium();
  // A page that hangs in its own script answers nothing; without its browser, every question to it fails.
  const timer = setTimeout(() => void server.close(), PATIENCE_MS);
  try {
    const session = await server.newBrowserCDPSession();
    const { processInfo } = await session.send("SystemInfo.getProcessInfo");
    const pid = processInfo.find(({ type }) => type === "browser")?.id;
    if (pid === undefined) throw new Error("the browser does not name its process");
    return await use(server, pid);
  } finally {
    clearTimeout(timer);
    await server.close();
  }
}

/** First line of what an error says. */
function reasonOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split("\n", 1)[0] ?? "";
}

async function reasonNotToRun(renderer: Renderer, load: OverlayLoad): Promise<string | undefined> {
  if (versionOf(renderer) === undefined) return `package ${renderer.package} is not installed`;
  try {
    await inBrowser((browser) =>
      withPage(browser, renderer, (page) =>
        measureLoading(page, { ...load, timeline: load.timeline.slice(0, 10) }),
      ),
    );
    return undefined;
  } catch (error) {
    return reasonOf(error);
  }
}

function contestant(renderer: Renderer, load: OverlayLoad, gaveUp: Map<string, string>): Contestant {
  return {
    name: renderer.name,
    params: {
      version: versionOf(renderer) ?? "",
      engine: renderer.engine,
      stage: "1280x720",
      text: "24px CJK",
      onScreen: load.onScreen,
      crossingMs: load.crossingMs,
      timeline: load.timeline.length,
    },
    measure: async (seconds): Promise<Metrics> => {
      if (seconds < WARM_UP_SECONDS || gaveUp.has(renderer.name)) return {};
      try {
        return await inBrowser(async (browser, pid) => {
          const loadTimelineMs = await withPage(browser, renderer, (page) => measureLoading(page, load));
          const drawn = await withPage(browser, renderer, (page) => measurePage(page, load, seconds, pid));
          return { ...drawn, loadTimelineMs };
        });
      } catch (error) {
        gaveUp.set(renderer.name, `did not answer for ${PATIENCE_MS / 1000} s (${reasonOf(error)})`);
        return {};
      }
    },
  };
}
