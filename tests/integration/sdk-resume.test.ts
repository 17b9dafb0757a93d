/** The SDK against real nodes that go away and come back. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { rmSync } from "node:fs";
import { freshRoom, RoomApi, startNode, TEST_LIMIT_MS, waitFor } from "@danmakud/testkit";
import { isIncreasing, SdkVisitor } from "./sdk-visitor.ts";

setDefaultTimeout(TEST_LIMIT_MS);

test.each(["SIGTERM", "SIGKILL"] as const)(
  "after %s in the middle of a stream everything follows, once, and every send is in the room once",
  async (signal) => {
    await using node = await startNode();
    const name = freshRoom("sdk");
    using viewer = new SdkVisitor(node.url, name, { uid: "viewer" });
    using json = new SdkVisitor(node.url, name, { uid: "json", encoding: "json" });
    using author = new SdkVisitor(node.url, name, { uid: "author", role: "service" });
    await Promise.all([viewer.connected(), json.connected(), author.connected()]);
    const sends: Promise<{ readonly offset: number }>[] = [];
    const publish = (count: number): void => {
      for (let i = 0; i < count; i++) sends.push(author.room.send({ content: `n${sends.length}` }));
    };
    publish(100);
    await Promise.all(sends.slice(0, 50));
    publish(100);
    await node.kill(signal);
    publish(100);
    await node.start();
    const offsets = (await Promise.all(sends)).map(({ offset }) => offset);
    publish(1);
    const last = (await sends.at(-1))?.offset ?? 0;

    const history = await new RoomApi(node.url, name).all();
    expect(history.map(({ content }) => content).sort()).toEqual(sends.map((_, i) => `n${i}`).sort());
    expect(new Set([...offsets, last])).toEqual(new Set(history.map(({ offset }) => offset)));
    for (const visitor of [viewer, json]) {
      await waitFor("the last one to be seen", () => visitor.offsets.includes(last));
      expect(isIncreasing(visitor.offsets)).toBe(true);
      // What a crash took back may have been seen; what is in the room must have been.
      const seen = new Set(visitor.offsets);
      expect(history.filter(({ offset }) => !seen.has(offset))).toEqual([]);
      expect(visitor.connections.at(-1)).toMatchObject({ reconnect: true, resumed: true });
      expect(visitor.errors).toEqual([]);
      expect(visitor.room.position?.offset).toBe(last);
    }
  },
);

test("a node that is drained is visited again no earlier than it asked for", async () => {
  await using node = await startNode();
  using viewer = new SdkVisitor(node.url, freshRoom("sdk"));
  await viewer.connected();
  await viewer.room.send({ content: "keeps the log" });
  const [exit] = await Promise.all([
    node.kill("SIGTERM"),
    waitFor("the end of the connection", () => viewer.room.state === "disconnected"),
  ]);
  expect(exit).toBe(0);
  const lost = viewer.states.find(({ state }) => state === "disconnected");
  expect(lost?.code).toBe(4000);
  expect(lost?.retryInMs).toBe(JSON.parse(lost?.reason ?? "").retryAfterMs);
  await node.start();
  await viewer.connected(2);
  expect(viewer.connections[1]).toMatchObject({ reconnect: true, resumed: true });
});

test("the place to resume at is known when the room is joined, before the first message", async () => {
  await using node = await startNode();
  const name = freshRoom("sdk");
  const api = new RoomApi(node.url, name);
  for (let i = 0; i < 5; i++) await api.publish({ content: `n${i}`, uid: "u" });
  using first = new SdkVisitor(node.url, name, {}, { last: 2 });
  const order: unknown[] = [];
  first.room.on("joined", () => order.push(["joined", first.room.position?.offset]));
  first.room.on("message", ({ offset }) => order.push(["message", offset]));
  await first.saw(2);
  expect(order).toEqual([
    ["joined", 3],
    ["message", 4],
    ["message", 5],
  ]);
  const position = first.room.position;
  first.client.close();
  await api.publish({ content: "later", uid: "u" });
  if (position === undefined) throw new Error("no position");
  using second = new SdkVisitor(node.url, name, {}, { position });
  await second.saw(1);
  expect(second.contents).toEqual(["later"]);
  expect(second.connections[0]).toMatchObject({ resumed: true, reconnect: false });
});

test("a log that has begun a new life is a new epoch, never a wrong history", async () => {
  await using node = await startNode();
  const name = freshRoom("sdk");
  const api = new RoomApi(node.url, name);
  using viewer = new SdkVisitor(node.url, name);
  await viewer.connected();
  for (let i = 0; i < 3; i++) await api.publish({ content: `old${i}`, uid: "u" });
  await viewer.saw(3);
  await node.kill("SIGKILL");
  rmSync(node.dataDir, { recursive: true });
  await node.start();
  await viewer.connected(2);
  expect(viewer.connections[1]).toMatchObject({ reconnect: true, resumed: false });
  const [before, after] = viewer.hellos;
  expect(after?.epoch).not.toBe(before?.epoch);
  await api.publish({ content: "new", uid: "u" });
  await viewer.saw(4);
  expect(viewer.contents.at(-1)).toBe("new");
  expect(viewer.room.position?.epoch).toBe(after?.epoch);
});

test("a send during an outage waits, keeps its key, and is in the room once", async () => {
  await using node = await startNode();
  const name = freshRoom("sdk");
  using author = new SdkVisitor(node.url, name, { uid: "author" });
  await author.connected();
  await author.room.send({ content: "before" });
  await node.kill("SIGKILL");
  await waitFor("the loss", () => author.room.state === "disconnected");
  const sends = ["a", "b", "c"].map((content) => author.room.send({ content, key: `key-${content}` }));
  await node.start();
  const offsets = (await Promise.all(sends)).map(({ offset }) => offset);
  expect(isIncreasing(offsets)).toBe(true);
  // The same keys again, as by somebody who has not heard the answer.
  const again = await Promise.all(
    ["a", "b", "c"].map((content) => author.room.send({ content, key: `key-${content}` })),
  );
  expect(again.map(({ offset }) => offset)).toEqual(offsets);
  expect((await new RoomApi(node.url, name).all()).map(({ content }) => content)).toEqual([
    "before",
    "a",
    "b",
    "c",
  ]);
});
