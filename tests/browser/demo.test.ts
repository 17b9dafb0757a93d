import { expect, test } from "bun:test";
import { RoomApi, useNode, waitFor } from "@danmakud/testkit";
import { describeInBrowser, hasChromium, useBrowser, ViewerPage } from "./browser.ts";

describeInBrowser("a newcomer", () => {
  const node = hasChromium ? useNode({ flags: ["--demo", "on"] }) : undefined;
  const browser = useBrowser();

  test("finds the demo room alive without doing anything, and quiet again after leaving", async () => {
    const url = node?.().url ?? "";
    const page = await ViewerPage.open(await browser(), url, "demo");
    await waitFor("several comments", async () => (await page.comments()).length >= 3);
    await waitFor("comments on the stage", () => page.isFlying());
    expect(new Set((await page.comments()).map(({ uid }) => uid)).size).toBeGreaterThan(1);
    expect(page.troubles).toEqual([]);
    await page.close();

    const api = new RoomApi(url, "demo");
    let head = -1;
    let still = 0;
    await waitFor(
      "the recording to pause",
      async () => {
        const now = (await api.history("last=1")).head;
        still = now === head ? still + 1 : 0;
        head = now;
        return still >= 4;
      },
      // Longer than any quiet stretch of the recording's beginning.
      { intervalMs: 600 },
    );
  });
});
