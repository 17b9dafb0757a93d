/** The overlay as it is published, alone on a page, for the tests of this folder. */
import { afterAll, beforeAll } from "bun:test";
import { PATIENCE } from "@danmakud/testkit";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { buildLibrary } from "../../scripts/build-library.ts";
import { hasChromium } from "./browser.ts";

type OverlayModule = typeof import("@danmakud/overlay");

declare global {
  interface Window {
    overlay: InstanceType<OverlayModule["Overlay"]>;
    made: OverlayModule;
  }
}

const PAGE = `<!doctype html><meta charset="utf-8"><body style="margin:0;background:#123">
<div id="stage" style="position:relative;width:640px;height:360px"></div>`;

/** Serves that page to the calling file: at `/strict` with a policy that allows no inlined worker. */
export function useOverlaySite(): () => string {
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
  return () => `http://127.0.0.1:${server.port}`;
}

export interface OpenOptions {
  /** Of the overlay. */
  readonly options?: Record<string, unknown>;
  readonly path?: string;
  readonly context?: BrowserContextOptions;
  /** The overlay is made by the test itself. */
  readonly isBare?: boolean;
}

/** A page with an overlay over a stage of 640 × 360. */
export class OverlayPage {
  readonly page: Page;
  /** Uncaught exceptions. */
  readonly troubles: string[] = [];

  private constructor(page: Page) {
    this.page = page;
    page.setDefaultTimeout(PATIENCE.conditionMs);
    page.on("pageerror", (error) => this.troubles.push(String(error)));
  }

  static async open(browser: Browser, site: string, open: OpenOptions = {}): Promise<OverlayPage> {
    const { options = {}, path = "/", context, isBare = false } = open;
    const page = await browser.newPage({ viewport: { width: 640, height: 360 }, ...context });
    const opened = new OverlayPage(page);
    await page.goto(site + path);
    await page.addScriptTag({ type: "module", url: "/overlay.js" });
    await page.evaluate(
      async ([options, isBare]) => {
        window.made = (await import(`${location.origin}/overlay.js`)) as OverlayModule;
        if (!isBare)
          window.overlay = new window.made.Overlay(document.getElementById("stage") as HTMLElement, options);
      },
      [options, isBare] as const,
    );
    return opened;
  }

  stats() {
    return this.page.evaluate(() => window.overlay.stats());
  }

  /** Pixels of the canvas that are not empty, in the canvas's own count, within fractions of its width. */
  inked(from = 0, to = 1): Promise<number> {
    return this.page.evaluate(
      ([from, to]) => {
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
      [from, to] as const,
    );
  }

  close(): Promise<void> {
    return this.page.close();
  }
}
