import { describe, expect, test } from "bun:test";
import {
  call,
  freshRoom,
  Publisher,
  RawClient,
  RoomApi,
  startNode,
  useNode,
  Viewer,
  waitFor,
} from "@danmakud/testkit";

const RETAIN = 300;
const PUBLISHED = 3_000;
const node = useNode({ flags: ["--retain", String(RETAIN), "--room-linger-ms", "0", "--rooms-max", "50"] });

describe("--retain", () => {
  test("keeps the newest, and says that the others were trimmed", async () => {
    const room = freshRoom("retain");
    const publisher = new Publisher({ url: node().socketUrl(room) });
    for (let n = 0; n < PUBLISHED; n++) publisher.publish({ content: `n${n}` });
    await publisher.settled();
    await publisher.close();
    const head = Math.max(...publisher.acked.keys());
    const api = new RoomApi(node().url, room);
    const history = await waitFor("old danmaku to be trimmed", async () => {
      const all = await api.all();
      return all.length < PUBLISHED / 2 && all;
    });
    expect(history.length).toBeGreaterThanOrEqual(RETAIN);
    expect(history.map((record) => record.content)).toEqual(
      Array.from({ length: history.length }, (_, n) => `n${PUBLISHED - history.length + n}`),
    );

    // After a restart nothing but the log is left to tell from.
    await node().restart();
    const { epoch } = await api.history("last=1");
    const url = node().socketUrl(room);
    const viewer = await Viewer.open({ url, start: { kind: "resume", epoch, after: 0 } });
    await viewer.reached(head);
    expect(viewer.hello.resumed).toBe(true);
    expect(viewer.faults).toEqual([]);
    expect(viewer.gaps.map((gap) => gap.reason)).toEqual(["trimmed"]);
    expect(viewer.danmaku).toEqual(await api.all());
    await viewer.close();
  });
});

test("--rooms-max refuses rooms past it, and goes on serving those it has", async () => {
  await using full = await startNode({ flags: ["--rooms-max", "3"] });
  const rooms = ["r1", "r2", "r3"];
  for (const room of rooms) await new RoomApi(full.url, room).mustPublish({ uid: "u", content: "x" });
  const over = await new RoomApi(full.url, "r4").publish({ uid: "u", content: "x" });
  expect(over).toMatchObject({ status: 503, body: { code: "overloaded" } });
  expect(Number(over.headers.get("retry-after"))).toBeGreaterThan(0);
  const client = await RawClient.open({ port: full.port, path: "/v1/rooms/r5/ws" });
  expect((await client.closed()).code).toBe(1013);
  client.destroy();
  for (const room of rooms) await new RoomApi(full.url, room).mustPublish({ uid: "u2", content: "y" });
  expect((await call(`${full.url}/v1/rooms/r4`)).status).toBe(404);
});
