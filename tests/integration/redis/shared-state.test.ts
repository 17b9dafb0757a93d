/** What nodes on one Redis know of each other: viewers, settings. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  freshRoom,
  REDIS_AVAILABLE,
  RedisServer,
  RoomApi,
  startNode,
  TEST_LIMIT_MS,
  type TestNode,
  Viewer,
  waitFor,
} from "@danmakud/testkit";

setDefaultTimeout(TEST_LIMIT_MS);

/** Online as any node tells it. */
async function online(node: TestNode, room: string): Promise<number> {
  const { body } = await new RoomApi(node.url, room).info();
  return (body as { online: number }).online;
}

describe.skipIf(!REDIS_AVAILABLE)("nodes on one Redis", () => {
  let server: RedisServer;
  let nodes: TestNode[] = [];
  beforeAll(async () => {
    server = await RedisServer.start();
    nodes = await Promise.all([1, 2, 3].map(() => startNode({ flags: ["--redis", server.url] })));
  });
  afterAll(async () => {
    await Promise.all(nodes.map((node) => node.stop()));
    await server?.stop();
  });

  test("count viewers together; a node that dies takes its share with it", async () => {
    const room = freshRoom("online");
    const enter = (node: TestNode, count: number) =>
      Promise.all(Array.from({ length: count }, () => Viewer.open({ url: node.socketUrl(room) })));
    const viewers = await Promise.all([enter(nodes[0]!, 2), enter(nodes[1]!, 3), enter(nodes[2]!, 4)]);
    for (const node of nodes) await waitFor("nine viewers", async () => (await online(node, room)) === 9);
    await waitFor("a viewer to be told", () => viewers[0]![0]!.stats.some((stats) => stats.online === 9));
    await nodes[2]!.kill("SIGKILL");
    for (const node of nodes.slice(0, 2))
      await waitFor("five viewers", async () => (await online(node, room)) === 5);
    await viewers[1]![0]!.close();
    await waitFor("four viewers", async () => (await online(nodes[0]!, room)) === 4);
    await nodes[2]!.restart();
    await Promise.all(viewers.flat().map((viewer) => viewer.close()));
  });

  test("obey settings that were changed on another", async () => {
    const room = freshRoom("settings");
    const viewer = await Viewer.open({ url: nodes[1]!.socketUrl(room) });
    const changed = await fetch(`${nodes[0]!.url}/v1/rooms/${room}/settings?uid=m&role=moderator`, {
      method: "PATCH",
      headers: { "content-type": "application/json" },
      body: '{"maxRate":5}',
    });
    expect(changed.status).toBe(200);
    for (const node of nodes) {
      const { body } = await new RoomApi(node.url, room).info();
      expect(body).toMatchObject({ settings: { maxRate: 5 } });
    }
    const publisher = await Viewer.open({ url: nodes[1]!.socketUrl(room), role: "service", uid: "svc" });
    await Promise.all(Array.from({ length: 40 }, (_, n) => publisher.publish({ content: `rush ${n}` })));
    await viewer.reached(40);
    expect(viewer.offsets.length).toBeLessThan(20);
    expect(viewer.gaps.some((gap) => gap.reason === "sampled")).toBe(true);
    expect(viewer.faults).toEqual([]);
    await Promise.all([viewer.close(), publisher.close()]);
  });

  test("hold back what is younger than a delay that was set on another, for newcomers to any of them too", async () => {
    const room = freshRoom("delay");
    const apis = nodes.map((node) => new RoomApi(node.url, room));
    await apis[0]!.mustPublish({ uid: "u", content: "before" });
    const viewer = await Viewer.open({ url: nodes[1]!.socketUrl(room), uid: "watcher" });
    const changed = await fetch(`${apis[0]!.url}/settings?uid=m&role=moderator`, {
      method: "PATCH",
      headers: { "content-type": "application/json" },
      body: '{"delayMs":3000}',
    });
    expect(changed.status).toBe(200);
    // Seen there, so held back there: both are done in one turn, and told to the gateways with the next.
    await waitFor("the other node to know", async () => {
      const { ts } = await apis[0]!.mustPublish({ uid: "u", content: "probe" });
      await waitFor("the probe", () => viewer.danmaku.some((danmaku) => danmaku.ts === ts));
      return Date.now() >= ts + 3000;
    });
    const { ts, offset } = await apis[0]!.mustPublish({ uid: "u", content: "held" });
    for (const api of apis.slice(1)) {
      const seen = (await api.history("last=100")).danmaku;
      for (const danmaku of seen) expect(danmaku.ts).toBeLessThanOrEqual(Date.now() - 3000);
      expect(seen[0]?.content).toBe("before");
      expect((await api.history("last=1&uid=m&role=moderator")).danmaku[0]?.content).toBe("held");
    }
    // A room that this node has not opened before.
    const newcomer = await Viewer.open({
      url: nodes[2]!.socketUrl(room),
      uid: "newcomer",
      start: { kind: "last", records: 100 },
    });
    if (Date.now() < ts + 3000) expect(newcomer.hello.head).toBeLessThan(offset);
    for (const each of [viewer, newcomer]) {
      await each.reached(offset);
      expect(Date.now()).toBeGreaterThanOrEqual(ts + 3000);
      expect(each.danmaku.at(-1)?.content).toBe("held");
      expect(each.faults).toEqual([]);
      await each.close();
    }
  });

  test("list the rooms of all", async () => {
    const names = await Promise.all(
      nodes.map(async (node) => {
        const room = freshRoom("listed");
        await new RoomApi(node.url, room).mustPublish({ uid: "u", content: "here" });
        return room;
      }),
    );
    const answer = await fetch(`${nodes[0]!.url}/v1/rooms?uid=a&role=admin&limit=1000`);
    const { rooms } = (await answer.json()) as { rooms: { room: string }[] };
    const listed = rooms.map(({ room }) => room);
    for (const name of names) expect(listed).toContain(name);
    expect(listed).toEqual([...listed].sort());
  });

  test("answer a keyed publish that went to two of them once", async () => {
    const room = freshRoom("keyed");
    const key = { "idempotency-key": "same" };
    const bodies = [];
    for (const node of nodes) {
      bodies.push(await new RoomApi(node.url, room).mustPublish({ uid: "u", content: "once" }, key));
    }
    expect(new Set(bodies.map(({ offset }) => offset)).size).toBe(1);
    expect(await new RoomApi(nodes[0]!.url, room).all()).toHaveLength(1);
  });
});
