import { describe, expect, test } from "bun:test";
import { call, freshRoom, RoomApi, useNode, Viewer, waitFor } from "@danmakud/testkit";

const node = useNode({ flags: ["--threads", "2"] });
const MODERATOR = "uid=mod&role=moderator";
/** Long enough for all that is looked at meanwhile, on a busy machine too. */
const DELAY_MS = 5000;

describe("a room with a delay", () => {
  test("shows live, in history and to newcomers what is older; moderators read everything", async () => {
    const room = freshRoom("delayed");
    const api = new RoomApi(node().url, room);
    await api.mustPublish({ content: "before" });
    const settings = await call(`${api.url}/settings?${MODERATOR}`, {
      method: "PATCH",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ delayMs: DELAY_MS }),
    });
    expect(settings).toMatchObject({ status: 200, body: { delayMs: DELAY_MS } });
    await waitFor("the first to be seen", async () => (await api.all()).length === 1);
    const viewer = await Viewer.open({ url: node().socketUrl(room), uid: "u1" });
    const { ts } = await api.mustPublish({ content: "held" });
    expect(await api.history("last=10")).toMatchObject({ head: 1, danmaku: [{ content: "before" }] });
    expect(await api.history(`last=10&${MODERATOR}`)).toMatchObject({
      head: 2,
      danmaku: [{ content: "before" }, { content: "held" }],
    });
    const newcomer = await Viewer.open({ url: node().socketUrl(room), uid: "u2" });
    expect(newcomer.hello.head).toBe(1);
    await waitFor("it to be shown", () => viewer.danmaku.length === 1 && newcomer.danmaku.length === 1);
    expect(Date.now()).toBeGreaterThanOrEqual(ts + DELAY_MS);
    expect(await api.history("last=10")).toMatchObject({ head: 2 });
    for (const each of [viewer, newcomer]) {
      expect(each.faults).toEqual([]);
      await each.close();
    }
  });
});
