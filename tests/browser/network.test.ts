import { expect, setDefaultTimeout, test } from "bun:test";
import { freshRoom, RoomApi, TEST_LIMIT_MS, useNode, waitFor } from "@danmakud/testkit";
import { encodeRecord } from "@danmakud/wire";
import { describeInBrowser, hasChromium, useBrowser, ViewerPage } from "./browser.ts";

setDefaultTimeout(TEST_LIMIT_MS);

describeInBrowser("a viewer page", () => {
  const node = hasChromium ? useNode() : undefined;
  const browser = useBrowser();
  const url = () => node?.().url ?? "";

  test("comes back from being offline with everything that was said", async () => {
    const room = freshRoom("offline");
    const viewer = await ViewerPage.open(await browser(), url(), room);
    const api = new RoomApi(url(), room);
    await api.mustPublish({ content: "before", uid: "ana" });
    await viewer.hasComment("before");
    const session = await viewer.page.context().newCDPSession(viewer.page);
    await session.send("Network.enable");
    const offline = (isOffline: boolean) =>
      session.send("Network.emulateNetworkConditions", {
        offline: isOffline,
        latency: 0,
        downloadThroughput: -1,
        uploadThroughput: -1,
      });
    await offline(true);
    await viewer.say("written while offline");
    await api.mustPublish({ content: "meanwhile", uid: "ana" });
    await offline(false);
    await viewer.hasComment("meanwhile");
    await viewer.hasComment("written while offline");
    expect(await viewer.silentHoles()).toEqual([]);
    const contents = (await viewer.comments()).map(({ content }) => content);
    expect(contents.toSorted()).toEqual(["before", "meanwhile", "written while offline"]);
    await viewer.close();
  });

  test("takes a deleted comment off the list and the stage", async () => {
    const room = freshRoom("deleted");
    const viewer = await ViewerPage.open(await browser(), url(), freshRoom("elsewhere"));
    const { page } = viewer;
    let toPage: ((bytes: Uint8Array) => void) | undefined;
    await page.routeWebSocket(/\/ws\?/, (socket) => {
      socket.connectToServer();
      toPage = (bytes) => socket.send(Buffer.from(bytes));
    });
    await page.goto(`${url()}/?room=${room}`);
    await viewer.hasState("connected");
    await page.locator('input[value="top"]').check();
    await viewer.say("taken back");
    await viewer.hasComment("taken back");
    await waitFor("the comment on the stage", () => viewer.isFlying());
    const [comment] = await viewer.comments();
    const of = comment?.offset ?? 0;
    const bytes = new Uint8Array(64);
    const end = encodeRecord({ type: "delete", offset: of + 1, of, ts: Date.now() }, bytes, 0);
    toPage?.(bytes.slice(0, end));
    await waitFor("an empty list", async () => (await viewer.comments()).length === 0);
    await waitFor("an empty stage", async () => !(await viewer.isFlying()));
    await viewer.close();
  });
});
