import { describe, expect, test } from "bun:test";
import { call, freshRoom, RoomApi, useNode, Viewer, waitFor } from "@danmakud/testkit";

const node = useNode({ flags: ["--threads", "2"] });

/** Changes settings of a room; gives the status and the body. */
async function configure(room: string, patch: unknown, role = "moderator") {
  return await call(`${node().url}/v1/rooms/${room}/settings?role=${role}`, {
    method: "PATCH",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(patch),
  });
}

describe("room settings", () => {
  test("are answered once they survive a kill of the node, also of a room that has nothing else", async () => {
    const room = freshRoom("settings");
    expect(await configure(room, { maxRate: 50 })).toMatchObject({ status: 200, body: { maxRate: 50 } });
    await node().kill("SIGKILL");
    await node().restart();
    const info = await new RoomApi(node().url, room).info();
    expect(info).toMatchObject({ status: 200, body: { room, settings: { maxRate: 50, closed: false } } });
  });

  test("are for moderators; what this version lacks is said so", async () => {
    const room = freshRoom("refused");
    expect(await configure(room, { maxRate: 1 }, "viewer")).toMatchObject({ status: 403 });
    const lacking = await configure(room, { membersOnly: true });
    expect(lacking).toMatchObject({ status: 400, body: { code: "invalid_message" } });
    expect(lacking.body).toHaveProperty("detail", "membersOnly is not in this version");
  });
});

test("a rush is thinned out alike for all viewers, announced, acked, in the history; senders see their own", async () => {
  const room = freshRoom("huge");
  const url = node().socketUrl(room);
  await configure(room, { maxRate: 20 });
  const [json, tlv, mine] = await Promise.all([
    Viewer.open({ url, uid: "a" }),
    Viewer.open({ url, uid: "b", encoding: "tlv" }),
    Viewer.open({ url, uid: "me", encoding: "tlv" }),
  ]);
  const api = new RoomApi(node().url, room);
  const count = 3000;
  for (let from = 0; from < count; from += 500) {
    const items = Array.from({ length: 500 }, (_, i) => ({
      content: `n${from + i}`,
      uid: (from + i) % 100 === 50 ? "me" : "crowd",
      class: (from + i) % 1000 === 999 ? "paid" : "normal",
    }));
    const { body } = await api.publish(items, {}, "role=service");
    const { results } = body as { results: readonly { offset?: number }[] };
    expect(results.every(({ offset }) => offset !== undefined)).toBe(true);
  }
  for (const viewer of [json, tlv, mine]) await viewer.reached(count);
  const seenBy = (viewer: Viewer) => viewer.danmaku.map(({ content }) => content);
  expect(seenBy(json)).toEqual(seenBy(tlv));
  expect(json.danmaku.length).toBeGreaterThan(0);
  expect(json.danmaku.length).toBeLessThan(count / 4);
  expect(seenBy(json)).toEqual(expect.arrayContaining(["n999", "n1999", "n2999"]));
  expect(mine.danmaku.filter(({ uid }) => uid === "me")).toHaveLength(30);
  for (const viewer of [json, tlv, mine]) {
    expect(viewer.faults).toEqual([]);
    expect(new Set(viewer.gaps.map(({ reason }) => reason))).toEqual(new Set(["sampled"]));
    expect(viewer.gaps.length).toBeLessThanOrEqual(2 * viewer.danmaku.length + 20);
  }
  const resumed = await Viewer.open({
    url,
    start: { kind: "resume", epoch: json.hello.epoch, after: 0 },
  });
  await resumed.reached(count);
  expect(seenBy(resumed)).toEqual(seenBy(json));
  expect(resumed.faults).toEqual([]);
  expect(await api.all()).toHaveLength(count);
  const { body } = await api.info();
  expect((body as { sampledRate: number }).sampledRate).toBeGreaterThan(0);
  const metrics = await waitFor("the count", async () => {
    const text = String((await call(`${node().adminUrl}/metrics`)).body);
    const total = [...text.matchAll(/^danmakud_sampled_total\{[^}]*\} (\d+)$/gm)].reduce(
      (sum, [, value]) => sum + Number(value),
      0,
    );
    return total > 0 && total;
  });
  expect(metrics).toBe(count - json.danmaku.length);
  for (const viewer of [json, tlv, mine, resumed]) await viewer.close();
});
