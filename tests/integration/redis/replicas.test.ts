/** Acks that wait for replicas (`--redis-wait`). */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  freshRoom,
  PATIENCE,
  Publisher,
  REDIS_AVAILABLE,
  REDIS_TOPOLOGIES,
  RedisServer,
  RoomApi,
  startNode,
  type TestNode,
  Viewer,
  waitFor,
} from "@danmakud/testkit";

setDefaultTimeout(PATIENCE.bulkMs);
if (!REDIS_AVAILABLE) console.log("left out: acks that wait for replicas; there is no redis-server");

const follows = (server: RedisServer) =>
  waitFor("the replica to follow", async () =>
    /slave0:.*state=online/.test(await server.cli("info", "replication")),
  );

/** Publishes one after the other until told to stop; returns what to wait for. */
function publishWhile(publisher: Publisher, isOn: () => boolean): Promise<number> {
  return (async () => {
    let published = 0;
    for (; isOn(); published++) {
      publisher.publish({ content: `number ${published}` });
      await Bun.sleep(5);
    }
    return published;
  })();
}

async function unreplicated(node: TestNode): Promise<number> {
  const text = await node.admin.metrics();
  return Number(/^danmakud_unreplicated_total\{thread="sequencer"\} (\d+)$/m.exec(text)?.[1] ?? 0);
}

describe.skipIf(!REDIS_AVAILABLE)("an ack that waits for a replica", () => {
  test("does not come while there is none; danmaku are shown, other rooms go on, and it comes when the replica is back", async () => {
    await using master = await RedisServer.start();
    await using replica = await RedisServer.start({
      flags: ["--replicaof", "127.0.0.1", String(master.port)],
    });
    await follows(master);
    await using node = await startNode({ flags: ["--redis", master.url, "--redis-wait", "1"] });
    const room = freshRoom("replicas");
    const api = new RoomApi(node.url, room);
    const viewer = await Viewer.open({ url: node.socketUrl(room) });
    const publisher = new Publisher({ url: node.socketUrl(room), uid: "p" });
    await publisher.publish({ content: "with the replica" });
    expect(await unreplicated(node)).toBe(0);

    await replica.kill();
    const acked = publisher.acked.size;
    const late = publisher.publish({ content: "without it" });
    await viewer.saw("without it");
    await waitFor("the publisher to be told", () => publisher.retries.has("unavailable"));
    // The key was seen before, which alone is no reason for an ack.
    await waitFor("a repeat to be told the same", () => (publisher.retries.get("unavailable") ?? 0) > 2);
    const told = await api.publish({ uid: "u", content: "by HTTP" });
    expect(told).toMatchObject({ status: 503, body: { code: "unavailable" } });
    expect(publisher.acked.size).toBe(acked);
    // Nothing else waits for replicas.
    const other = await Viewer.open({ url: node.socketUrl(freshRoom("other")) });
    await other.ping();
    expect((await api.all()).map(({ content }) => content)).toContain("by HTTP");
    expect(await node.isReady()).toBe(true);
    expect(await unreplicated(node)).toBeGreaterThan(0);
    expect(node.log()).toContain("too few replicas have what is written");

    await replica.start();
    const offset = await late;
    const history = await api.all();
    expect(history.filter(({ content }) => content === "without it").map((record) => record.offset)).toEqual([
      offset,
    ]);
    await viewer.reached(history.at(-1)!.offset);
    expect(viewer.offsets).toEqual(history.map((record) => record.offset));
    expect([...viewer.faults, ...publisher.faults]).toEqual([]);
    await Promise.all([viewer, other, publisher].map((each) => each.close()));
  });

  test("is worth something: a master that dies under load takes nothing acked with it", async () => {
    await using redis = await REDIS_TOPOLOGIES.sentinel();
    await using node = await startNode({ flags: ["--redis", redis.url, "--redis-wait", "1"] });
    const rooms = Array.from({ length: 4 }, () => freshRoom("safe"));
    const publishers = rooms.map((room) => new Publisher({ url: node.socketUrl(room), uid: "p" }));
    let isOn = true;
    const publishing = publishers.map((publisher) => publishWhile(publisher, () => isOn));
    const ackedLeast = () => Math.min(...publishers.map(({ acked }) => acked.size));
    await waitFor("a beginning", () => ackedLeast() > 100);
    const old = await redis.failOver("");
    // It comes back as the replica that acks wait for.
    await old.start();
    const before = ackedLeast();
    await waitFor("service again", () => ackedLeast() > before + 50, { timeoutMs: 2 * PATIENCE.conditionMs });
    isOn = false;
    const published = await Promise.all(publishing);
    for (const [index, publisher] of publishers.entries()) {
      await publisher.settled();
      expect(publisher.acked.size).toBe(published[index] as number);
      const history = await new RoomApi(node.url, rooms[index] as string).all();
      const kept = new Map(history.map((record) => [record.offset, record.content]));
      for (const [offset, content] of publisher.acked) expect(kept.get(offset)).toBe(content);
      expect(history.length).toBe(publisher.acked.size);
      expect(publisher.faults).toEqual([]);
    }
    await Promise.all(publishers.map((publisher) => publisher.close()));
  });
});
