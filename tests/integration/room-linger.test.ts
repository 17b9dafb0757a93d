import { expect, test } from "bun:test";
import { freshRoom, RoomApi, useNode, Viewer, waitFor } from "@danmakud/testkit";

/** Rooms are let go the moment they stand empty: joins meet rooms that are just being let go all the time. */
const node = useNode({ flags: ["--room-linger-ms", "0", "--threads", "2"] });
const ROOMS = 40;
const VISITS = 10;

async function visit(room: string, n: number): Promise<void> {
  const viewer = await Viewer.open({ url: node().socketUrl(room), role: "service", uid: `u${n}` });
  await Bun.sleep(Math.random() * 150);
  const content = `${n} in ${room}`;
  const publish = () => viewer.publish({ content, key: `k${n}` });
  await waitFor(`an ack for ${content}`, async () => (await publish()).type === "ack", { intervalMs: 50 });
  await viewer.saw(content);
  expect([...viewer.faults, ...viewer.gaps]).toEqual([]);
  await viewer.close();
}

test("a room that is entered while it is let go serves who entered, and keeps its numbers", async () => {
  const rooms = Array.from({ length: ROOMS }, () => freshRoom("linger"));
  await Promise.all(
    rooms.map(async (room) => {
      for (let n = 0; n < VISITS; n++) await visit(room, n);
      const history = await new RoomApi(node().url, room).all();
      expect(history.map((record) => record.offset)).toEqual(Array.from({ length: VISITS }, (_, n) => n + 1));
      expect(new Set(history.map((record) => record.uid)).size).toBe(VISITS);
    }),
  );
});
