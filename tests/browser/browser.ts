/** A real Chromium for the tests of this folder, and the viewer page as a person uses it. */

import { afterAll, describe } from "bun:test";
import { PATIENCE } from "@danmakud/testkit";
import type { Browser, BrowserContext, BrowserContextOptions, Page } from "playwright-core";
import { CHROMIUM, hasChromium, launchChromium } from "./chromium.ts";

export { hasChromium };

if (!hasChromium)
  console.log(`browser tests are left out: no ${CHROMIUM} (apt-get install chromium, or set CHROMIUM)`);

/** `describe` that is left out on a machine without Chromium. */
export const describeInBrowser = describe.skipIf(!hasChromium);

/** A browser for the calling file, started when first used and closed at its end. */
export function useBrowser(): () => Promise<Browser> {
  let browser: Promise<Browser> | undefined;
  afterAll(async () => {
    await (await browser)?.close();
  });
  return () => {
    browser ??= launchChromium();
    return browser;
  };
}

/** A comment in the page's list. */
export interface ListedComment {
  readonly offset: number;
  readonly uid: string;
  readonly content: string;
  readonly own: boolean;
}

/** The viewer page in a browser context of its own: its own storage, so its own uid. */
export class ViewerPage {
  readonly page: Page;
  readonly #context: BrowserContext;
  /** Every address that the page asked for, WebSockets included. */
  readonly requested: string[] = [];
  /** Errors on the page's console, uncaught exceptions and dialogs. */
  readonly troubles: string[] = [];

  private constructor(context: BrowserContext, page: Page) {
    this.#context = context;
    this.page = page;
    page.setDefaultTimeout(PATIENCE.conditionMs);
    page.on("request", (request) => this.requested.push(request.url()));
    page.on("websocket", (socket) => this.requested.push(socket.url()));
    page.on("pageerror", (error) => this.troubles.push(String(error)));
    page.on("console", (message) => {
      if (message.type() === "error") this.troubles.push(message.text());
    });
    page.on("dialog", (dialog) => {
      this.troubles.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
  }

  /** Opens a room and waits until the page says that it is connected. */
  static async open(
    browser: Browser,
    url: string,
    room: string,
    options: BrowserContextOptions = {},
  ): Promise<ViewerPage> {
    return ViewerPage.openIn(await browser.newContext({ locale: "en-US", ...options }), url, room);
  }

  /** The same in a context that there is. */
  static async openIn(context: BrowserContext, url: string, room: string): Promise<ViewerPage> {
    const viewer = new ViewerPage(context, await context.newPage());
    await viewer.page.goto(`${url}/?room=${room}`);
    await viewer.hasState("connected");
    return viewer;
  }

  /** Writes a comment and presses Enter. */
  async say(content: string): Promise<void> {
    await this.page.fill("#composer-text", content);
    await this.page.press("#composer-text", "Enter");
  }

  /** Waits until the connection's state is shown as one of these. */
  async hasState(...states: string[]): Promise<void> {
    await this.page.locator(states.map((state) => `#status[data-state="${state}"]`).join(", ")).waitFor();
  }

  /** Waits until a comment with this text is listed. */
  async hasComment(content: string): Promise<void> {
    await this.page
      .locator(".content")
      .getByText(content, { exact: true })
      .first()
      .waitFor({ state: "attached" });
  }

  comments(): Promise<ListedComment[]> {
    return this.page.locator("[data-offset]").evaluateAll((rows) =>
      rows.map((row) => ({
        offset: Number((row as HTMLElement).dataset.offset),
        uid: (row as HTMLElement).dataset.uid ?? "",
        content: row.querySelector(".content")?.textContent ?? "",
        own: row.classList.contains("own"),
      })),
    );
  }

  /** Offsets between the first and the last listed that the page neither shows nor announces as missing. */
  async silentHoles(): Promise<number[]> {
    const offsets = new Set((await this.comments()).map(({ offset }) => offset));
    const gaps = await this.page.locator("[data-from]").evaluateAll((rows) =>
      rows.map((row) => {
        const { from, to } = (row as HTMLElement).dataset;
        return { from: Number(from), to: Number(to) };
      }),
    );
    const holes: number[] = [];
    const last = Math.max(...offsets);
    for (let offset = Math.min(...offsets); offset < last; offset++) {
      if (offsets.has(offset)) continue;
      const gap = gaps.find(({ from, to }) => from <= offset && offset <= to);
      if (gap) offset = gap.to;
      else holes.push(offset);
    }
    return holes;
  }

  /** Whether anything is drawn on the stage's flying layer now. */
  async isFlying(): Promise<boolean> {
    return (await this.flyingLeft()) !== undefined;
  }

  /** Leftmost pixel that is drawn on the flying layer, in the canvas's own count; undefined where it is empty. */
  async flyingLeft(): Promise<number | undefined> {
    return (await this.#flyingInk()).left;
  }

  /** Lines of comments on the flying layer: stretches of rows with something drawn, with empty rows in between. */
  async flyingRows(): Promise<number> {
    return (await this.#flyingInk()).rows;
  }

  #flyingInk(): Promise<{ left: number | undefined; rows: number }> {
    return this.page.locator("#flight").evaluate((stage) => {
      const canvas = stage.querySelector("canvas");
      let left: number | undefined;
      let rows = 0;
      if (!canvas?.width) return { left, rows };
      // A worker draws on it, so it has no context here; its picture can be copied.
      const { width, height } = canvas;
      const copy = document.createElement("canvas");
      copy.width = width;
      copy.height = height;
      const context = copy.getContext("2d");
      context?.drawImage(canvas, 0, 0);
      const data = context?.getImageData(0, 0, width, height).data ?? [];
      let wasInked = false;
      for (let y = 0; y < height; y++) {
        let isInked = false;
        for (let x = 0; x < width; x++) {
          if ((data[(y * width + x) * 4 + 3] ?? 0) === 0) continue;
          isInked = true;
          if (left === undefined || x < left) left = x;
        }
        if (isInked && !wasInked) rows++;
        wasInked = isInked;
      }
      return { left, rows };
    });
  }

  async close(): Promise<void> {
    await this.#context.close();
  }
}
