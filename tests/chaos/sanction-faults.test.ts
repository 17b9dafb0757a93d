/** Mutes and bans hold whatever fails. */
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  FAULTS_ON,
  freshRoom,
  joinCode,
  Moderator,
  PATIENCE,
  REDIS_AVAILABLE,
  RedisServer,
  RoomApi,
  startNode,
  TEST_LIMIT_MS,
  type TestNode,
  Viewer,
  waitFor,
} from "@danmakud/testkit";
import { CLOSE_CODES } from "@danmakud/wire";

setDefaultTimeout(2 * TEST_LIMIT_MS);

async function publishCode(node: TestNode, room: string, uid: string): Promise<string | undefined> {
  const { body } = await new RoomApi(node.url, room).publish({ uid, content: "hello" });
  return (body as { code?: string }).code;
}

describe("a thread that crashes", () => {
  test.each(["gateway-0", "sequencer", "journal"])(
    "%s: whoever takes its place knows who is muted and banned",
    async (thread) => {
      await using node = await startNode({ flags: ["--threads", "1"], env: FAULTS_ON });
      const room = freshRoom("fault");
      const moderator = new Moderator(node.url, room);
      await new RoomApi(node.url, room).mustPublish({ uid: "u0", content: "here" });
      await moderator.impose("mute", "muted", 3600);
      await moderator.impose("ban", "banned");
      await new Moderator(node.url, undefined).impose("ban", "outlaw", 3600);
      const watcher = await Viewer.open({ url: node.socketUrl(room), uid: "watcher" });
      await node.admin.fault(thread, "crash");
      await watcher.ended();
      await node.ready();
      await waitFor("the room to answer", async () => (await publishCode(node, room, "u0")) === undefined, {
        timeoutMs: PATIENCE.nodeReadyMs,
      });
      expect(await publishCode(node, room, "muted")).toBe("muted");
      expect(await joinCode(node.socketUrl(room), "banned")).toBe(CLOSE_CODES.banned);
      expect(await joinCode(node.socketUrl(freshRoom("new")), "outlaw")).toBe(CLOSE_CODES.banned);
      await moderator.lift("mute", "muted");
      await waitFor("the lifted mute", async () => (await publishCode(node, room, "muted")) === undefined);
    },
  );
});

describe.skipIf(!REDIS_AVAILABLE)("a Redis that is away", () => {
  let server: RedisServer | undefined;
  afterAll(async () => await server?.stop());

  test("leaves mutes and bans as they were, and takes new ones when it is back", async () => {
    server = await RedisServer.start({ flags: ["--appendonly", "yes"] });
    await using node = await startNode({ flags: ["--redis", server.url, "--threads", "1"] });
    const room = freshRoom("away");
    const viewer = await Viewer.open({ url: node.socketUrl(room), uid: "u1" });
    const other = await Viewer.open({ url: node.socketUrl(room), uid: "u2" });
    const moderator = new Moderator(node.url, room);
    await moderator.impose("mute", "u1");
    await moderator.impose("ban", "u3", 3600);
    await server.kill("SIGKILL");
    await waitFor("publishes to be refused", async () => {
      const answer = await other.publish({ content: "anybody?" });
      return answer.type === "error" && answer.code === "unavailable";
    });
    expect(await joinCode(node.socketUrl(room), "u3")).toBe(CLOSE_CODES.banned);
    expect((await moderator.put("ban", "u2", {})).body).toMatchObject({ code: "unavailable" });
    expect(viewer.connected).toBe(true);
    await server.restart();
    await waitFor("a ban to be taken", async () => (await moderator.put("ban", "u2", {})).status === 200, {
      timeoutMs: PATIENCE.nodeReadyMs,
    });
    expect((await other.ended()).code).toBe(CLOSE_CODES.banned);
    expect(await viewer.publish({ content: "me too?" })).toMatchObject({ type: "error", code: "muted" });
    expect((await moderator.uids("ban")).sort()).toEqual(["u2", "u3"]);
    await viewer.close();
  });
});
