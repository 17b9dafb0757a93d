import { expect, test } from "bun:test";
import { freshRoom, RoomApi, useNode, Viewer, waitFor } from "@danmakud/testkit";

const node = useNode({ flags: ["--room-ttl", "2", "--room-linger-ms", "100"] });

test("a room that nobody touches is forgotten, and begins a new epoch when it is opened again", async () => {
  const api = new RoomApi(node().url, freshRoom("ttl"));
  const before = await api.mustPublish({ uid: "u", content: "old" });
  const watched = new RoomApi(node().url, "watched");
  const viewer = await Viewer.open({ url: node().socketUrl("watched") });
  const kept = await watched.mustPublish({ uid: "u", content: "kept" });
  await waitFor("the room to be forgotten", async () => (await api.info()).status === 404, {
    timeoutMs: 100_000,
    intervalMs: 250,
  });
  const after = await api.mustPublish({ uid: "u", content: "new" });
  expect(after.epoch).not.toBe(before.epoch);
  expect((await api.all()).map((record) => record.content)).toEqual(["new"]);
  const again = await watched.mustPublish({ uid: "u", content: "again" });
  await viewer.saw("again");
  expect(viewer.faults).toEqual([]);
  console.log(`a room with a viewer ${again.epoch === kept.epoch ? "kept its epoch" : "began a new epoch"}`);
  await viewer.close();
}, 240_000);
