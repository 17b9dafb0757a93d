/** Mutes and bans between two nodes, on Redis of every form. What holds on one node is in `contract.test.ts`. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  freshRoom,
  joinCode,
  Moderator,
  REDIS_AVAILABLE,
  REDIS_TOPOLOGIES,
  type RedisService,
  RoomApi,
  startNode,
  TEST_LIMIT_MS,
  type TestNode,
  Viewer,
  waitFor,
} from "@danmakud/testkit";
import { CLOSE_CODES } from "@danmakud/wire";

setDefaultTimeout(TEST_LIMIT_MS);

async function publishCode(node: TestNode, room: string, uid: string): Promise<string | undefined> {
  const { body } = await new RoomApi(node.url, room).publish({ uid, content: "hello" });
  return (body as { code?: string }).code;
}

for (const [topology, start] of Object.entries(REDIS_TOPOLOGIES)) {
  describe.skipIf(!REDIS_AVAILABLE)(`mutes and bans on two nodes (${topology})`, () => {
    let redis: RedisService;
    let nodes: [TestNode, TestNode];
    beforeAll(async () => {
      redis = await start();
      const flags = ["--redis", redis.url, "--threads", "1"];
      nodes = [await startNode({ flags }), await startNode({ flags })];
    });
    afterAll(async () => {
      await Promise.all((nodes ?? []).map((node) => node.stop()));
      await redis?.stop();
    });

    test("what is imposed on one holds on both, in rooms that are open and in those that are not", async () => {
      const [first, second] = nodes;
      const room = freshRoom("shared");
      const moderator = new Moderator(first.url, room);
      const user = await Viewer.open({ url: second.socketUrl(room), uid: "u1" });
      const other = await Viewer.open({ url: second.socketUrl(room), uid: "u2" });
      await moderator.impose("mute", "u1", 3600);
      await waitFor("the mute on the other node", async () => {
        return ((await user.publish({ content: "hello" })) as { code?: string }).code === "muted";
      });
      expect(user.connected).toBe(true);
      await moderator.impose("ban", "u1");
      expect((await user.ended()).code).toBe(CLOSE_CODES.banned);
      expect(await joinCode(second.socketUrl(room), "u1")).toBe(CLOSE_CODES.banned);
      expect((await other.publish({ content: "hello" })).type).toBe("ack");
      expect(await new Moderator(second.url, room).uids("ban")).toEqual(["u1"]);
      await new Moderator(second.url, room).lift("ban", "u1");
      await waitFor(
        "the first node to let u1 in",
        async () => (await joinCode(first.socketUrl(room), "u1")) === undefined,
      );
      expect(await publishCode(second, room, "u1")).toBe("muted");
      // A room that is nowhere open, nor known.
      const later = freshRoom("later");
      await new Moderator(first.url, later).impose("ban", "u1", 600);
      expect(await joinCode(second.socketUrl(later), "u1")).toBe(CLOSE_CODES.banned);
      expect(other.faults).toEqual([]);
      await other.close();
    });

    test("a mute that is over lets both through, and is gone from Redis", async () => {
      const room = freshRoom("over");
      const viewers = await Promise.all(
        nodes.map((node) => Viewer.open({ url: node.socketUrl(room), uid: "u1" })),
      );
      const moderator = new Moderator(nodes[0].url, room);
      await moderator.impose("mute", "u2");
      await moderator.impose("mute", "u1", 2);
      for (const node of nodes) {
        await waitFor("the end of the mute", async () => (await publishCode(node, room, "u1")) === undefined);
      }
      const server = await redis.masterOf(room);
      const key = `sanctions:room:{${room}}`;
      await waitFor("it to be gone", async () => !(await server.cli("hkeys", key)).includes("mute u1"));
      expect(await server.cli("hget", key, "mute u2")).toMatch(/^- \d{13} mod\s*$/);
      await moderator.lift("mute", "u2");
      expect(await server.cli("exists", key)).toMatch(/^0/);
      await Promise.all(viewers.map((viewer) => viewer.close()));
    });

    test("a ban from the site reaches all nodes, and one that starts later", async () => {
      const [first, second] = nodes;
      const uid = freshRoom("uid");
      const viewer = await Viewer.open({ url: second.socketUrl(freshRoom("r")), uid });
      const admin = new Moderator(first.url, undefined);
      await admin.impose("ban", uid, 3600);
      expect((await viewer.ended()).code).toBe(CLOSE_CODES.banned);
      await second.kill("SIGKILL");
      await second.restart();
      expect(await joinCode(second.socketUrl(freshRoom("r")), uid)).toBe(CLOSE_CODES.banned);
      expect(await new Moderator(second.url, undefined).uids("ban")).toContain(uid);
      await admin.lift("ban", uid);
      await waitFor("the second node to let the user in", async () => {
        return (await joinCode(second.socketUrl(freshRoom("r")), uid)) === undefined;
      });
    });
  });
}
