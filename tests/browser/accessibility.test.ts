import { expect, test } from "bun:test";
import { createRequire } from "node:module";
import { freshRoom, useNode } from "@danmakud/testkit";
import { describeInBrowser, hasChromium, useBrowser, ViewerPage } from "./browser.ts";

const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

interface AxeWindow {
  readonly axe: {
    run(): Promise<{
      violations: readonly { id: string; impact: string; nodes: readonly { html: string }[] }[];
    }>;
  };
}

describeInBrowser("axe-core", () => {
  const node = hasChromium ? useNode() : undefined;
  const browser = useBrowser();

  test.each([
    ["on a laptop", { viewport: { width: 1280, height: 800 } }],
    ["on a phone, in Chinese", { viewport: { width: 390, height: 844 }, locale: "zh-CN" }],
  ])("finds no serious fault in the viewer page %s, with its panels open", async (_, options) => {
    const url = node?.().url ?? "";
    // The pages' policy keeps foreign script out, the test's own too.
    const viewer = await ViewerPage.open(await browser(), url, freshRoom("axe"), {
      ...options,
      bypassCSP: true,
    });
    const { page } = viewer;
    await viewer.say("something to look at");
    await viewer.hasComment("something to look at");
    await page.addScriptTag({ path: AXE });
    for (const panel of ["", "#open-settings", "#open-video"]) {
      if (panel !== "") await page.click(panel);
      const { violations } = await page.evaluate(() => (window as unknown as AxeWindow).axe.run());
      const serious = violations
        .filter(({ impact }) => impact === "serious" || impact === "critical")
        .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
      expect(serious).toEqual([]);
      if (panel !== "") await page.keyboard.press("Escape");
    }
    await viewer.close();
  });
});
