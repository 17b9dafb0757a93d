import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import { freshRoom, Publisher, startNode, TEST_LIMIT_MS, type TestNode } from "@danmakud/testkit";
import { describeInBrowser, useBrowser, ViewerPage } from "./browser.ts";

setDefaultTimeout(TEST_LIMIT_MS);

describeInBrowser("a node that restarts", () => {
  const browser = useBrowser();
  const nodes: TestNode[] = [];
  afterAll(async () => {
    for (const node of nodes) await node.stop();
  });

  test.each(["SIGTERM", "SIGKILL"] as const)("by %s leaves no hole in two open pages", async (signal) => {
    const node = await startNode();
    nodes.push(node);
    const room = freshRoom("restart");
    const [ana, ben] = await Promise.all([
      ViewerPage.open(await browser(), node.url, room),
      ViewerPage.open(await browser(), node.url, room),
    ]);
    const publisher = new Publisher({ url: node.socketUrl(room) });
    await ana.say("from Ana, before");
    await Promise.all(Array.from({ length: 40 }, (_, n) => publisher.publish({ content: `before ${n}` })));
    await ben.hasComment("before 39");

    await node.kill(signal);
    await Promise.all([ana.hasState("reconnecting"), ben.hasState("reconnecting")]);
    await ben.say("from Ben, while it was down");
    const waiting = Array.from({ length: 20 }, (_, n) => publisher.publish({ content: `during ${n}` }));
    await node.restart();
    await Promise.all(waiting);
    await Promise.all(Array.from({ length: 20 }, (_, n) => publisher.publish({ content: `after ${n}` })));
    await publisher.settled();

    for (const page of [ana, ben]) {
      await page.hasComment("after 19");
      await page.hasComment("from Ben, while it was down");
      await page.hasState("resumed", "connected");
      expect(await page.page.getByText("Connection restored", { exact: true }).count()).toBe(1);
      expect(await page.silentHoles()).toEqual([]);
    }
    const [seenByAna, seenByBen] = [await ana.comments(), await ben.comments()];
    const texts = seenByAna.map(({ offset, content }) => `${offset} ${content}`);
    expect(seenByBen.map(({ offset, content }) => `${offset} ${content}`)).toEqual(texts);
    expect(new Set(seenByAna.map(({ content }) => content)).size).toBe(82);
    expect(seenByAna.length).toBe(82);
    for (const [offset, content] of publisher.acked) expect(texts).toContain(`${offset} ${content}`);
    expect(publisher.faults).toEqual([]);
    await publisher.close();
    await Promise.all([ana.close(), ben.close()]);
  });
});
