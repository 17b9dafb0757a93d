import { expect, setDefaultTimeout, test } from "bun:test";
import {
  EventStream,
  freshRoom,
  Publisher,
  RoomApi,
  startNode,
  TEST_LIMIT_MS,
  Viewer,
  waitFor,
} from "@danmakud/testkit";

setDefaultTimeout(TEST_LIMIT_MS);

test("SIGTERM tells everybody when to come back, loses nothing and exits with 0", async () => {
  await using node = await startNode({ flags: ["--threads", "2"] });
  const room = freshRoom("drain");
  const url = node.socketUrl(room);
  const viewers = await Promise.all(
    Array.from({ length: 20 }, (_, n) => Viewer.open({ url, encoding: n % 2 === 0 ? "json" : "tlv" })),
  );
  const stream = await EventStream.open(`${node.url}/v1/rooms/${room}/events`);
  const publisher = new Publisher({ url });
  for (let n = 0; n < 500; n++) publisher.publish({ content: `n${n}` });
  await waitFor("some to be acknowledged", () => publisher.acked.size > 50);

  expect(await node.kill("SIGTERM")).toBe(0);
  const waits = new Set<number>();
  for (const viewer of viewers) {
    const { code, reason } = await viewer.ended();
    expect(code).toBe(4000);
    const { retryAfterMs } = JSON.parse(reason) as { retryAfterMs: number };
    expect(retryAfterMs).toBeGreaterThanOrEqual(0);
    waits.add(retryAfterMs);
    expect(viewer.faults).toEqual([]);
  }
  // Not all at once: they would come back as one wave.
  expect(waits.size).toBeGreaterThan(5);
  await waitFor("the event stream to end", () => stream.ended);

  await node.start();
  await publisher.settled();
  const history = await new RoomApi(node.url, room).all();
  expect(history.map((record) => record.content).sort()).toEqual([...publisher.acked.values()].sort());
  expect(history).toHaveLength(500);
  expect(publisher.faults).toEqual([]);
  await publisher.close();
});

test("SIGINT stops too", async () => {
  await using node = await startNode();
  expect(await node.kill("SIGINT")).toBe(0);
});
