import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  freshRoom,
  REDIS_AVAILABLE,
  RedisServer,
  RoomApi,
  startNode,
  TEST_LIMIT_MS,
  type TestNode,
  waitFor,
} from "@danmakud/testkit";

setDefaultTimeout(TEST_LIMIT_MS);

describe.skipIf(!REDIS_AVAILABLE)("a room that a node has let go of", () => {
  let server: RedisServer;
  let node: TestNode;
  beforeAll(async () => {
    server = await RedisServer.start();
    node = await startNode({ flags: ["--redis", server.url, "--room-linger-ms", "50"] });
  });
  afterAll(async () => {
    await node?.stop();
    await server?.stop();
  });

  test("takes what is published to it later for new, not for a batch that is sent again", async () => {
    const room = freshRoom("reopened");
    const api = new RoomApi(node.url, room);
    const offsets: number[] = [];
    for (const content of ["first", "second", "third"]) {
      offsets.push((await api.mustPublish({ uid: "u", content })).offset);
      const open = async () =>
        /^danmakud_rooms_open\{thread="sequencer"\} (\d+)$/m.exec(await node.admin.metrics())?.[1];
      await waitFor("the room to be counted", async () => (await open()) === "1");
      await waitFor("the room to be let go of", async () => (await open()) === "0");
    }
    expect(offsets).toEqual([1, 2, 3]);
    expect((await api.all()).map(({ content }) => content)).toEqual(["first", "second", "third"]);
  });
});
