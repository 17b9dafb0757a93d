import { expect, test } from "bun:test";
import { call, freshRoom, RoomApi, useNode, Viewer, waitFor } from "@danmakud/testkit";

const node = useNode({ flags: ["--room-ttl", "2", "--room-linger-ms", "100"] });

test("a room that nobody touches is forgotten, and begins a new epoch when it is opened again", async () => {
  const room = freshRoom("ttl");
  const api = new RoomApi(node().url, room);
  const before = await api.mustPublish({ uid: "u", content: "old" });
  const watched = new RoomApi(node().url, "watched");
  const viewer = await Viewer.open({ url: node().socketUrl("watched") });
  await watched.mustPublish({ uid: "u", content: "kept" });
  // By the list, since a look at the room itself would touch it.
  const list = async () => JSON.stringify((await call(`${node().url}/v1/rooms?role=admin`)).body);
  expect(await list()).toContain(room);
  await waitFor("the room to be forgotten", async () => !(await list()).includes(room), {
    timeoutMs: 150_000,
    intervalMs: 250,
  });
  expect((await api.info()).status).toBe(404);
  const after = await api.mustPublish({ uid: "u", content: "new" });
  expect(after.epoch).not.toBe(before.epoch);
  expect((await api.all()).map((record) => record.content)).toEqual(["new"]);
  await watched.mustPublish({ uid: "u", content: "again" });
  await viewer.saw("again");
  expect(viewer.faults).toEqual([]);
  expect(viewer.coverage.resets).toBe(0);
  await viewer.close();
}, 240_000);
