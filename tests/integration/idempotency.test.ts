import { describe, expect, test } from "bun:test";
import { freshRoom, type PublishedBody, RoomApi, useNode, Viewer } from "@danmakud/testkit";

const node = useNode();

describe("a publish with a key", () => {
  test("is one danmaku however often it is sent", async () => {
    const room = freshRoom("key");
    const viewer = await Viewer.open({ url: node().socketUrl(room), uid: "u1", role: "service" });
    const answers = [];
    for (let n = 0; n < 5; n++) answers.push(await viewer.publish({ content: "once", key: "k1" }));
    expect(answers[0]).toMatchObject({ type: "ack" });
    const offsets = answers.map((answer) => answer.type === "ack" && answer.offset);
    expect(new Set(offsets).size).toBe(1);
    await viewer.ping();
    expect(viewer.danmaku).toHaveLength(1);
    await viewer.close();
  });

  test("is one danmaku when its copies are under way together", async () => {
    const room = freshRoom("flight");
    const urls = Array.from({ length: 4 }, () => Viewer.open({ url: node().socketUrl(room), uid: "u1" }));
    const viewers = await Promise.all(urls);
    const answers = await Promise.all(
      viewers.flatMap((viewer) => [1, 2].map(() => viewer.publish({ content: "once", key: "same" }))),
    );
    expect(answers.map((answer) => answer.type)).toEqual(answers.map(() => "ack"));
    expect(new Set(answers.map((answer) => answer.type === "ack" && answer.offset)).size).toBe(1);
    expect(await new RoomApi(node().url, room).all()).toHaveLength(1);
    await Promise.all(viewers.map((viewer) => viewer.close()));
  });

  test("is one danmaku when its copies are in one frame", async () => {
    const room = freshRoom("frame");
    const viewer = await Viewer.open({ url: node().socketUrl(room), uid: "u1" });
    const publish = (id: number) => ({ type: "publish", id, content: "once", key: "k" }) as const;
    viewer.send([publish(901), publish(902), publish(903)]);
    const answer = await viewer.publish({ content: "once", key: "k" });
    expect(answer).toMatchObject({ type: "ack" });
    expect(await new RoomApi(node().url, room).all()).toHaveLength(1);
    await viewer.close();
  });

  test("is another one for another key, user or room", async () => {
    const rooms = [freshRoom("a"), freshRoom("b")];
    for (const room of rooms) {
      for (const uid of ["u1", "u2"]) {
        const viewer = await Viewer.open({ url: node().socketUrl(room), uid });
        for (const key of ["k1", "k2"]) await viewer.publish({ content: `${uid} ${key}`, key });
        await viewer.close();
      }
      const contents = (await new RoomApi(node().url, room).all()).map((danmaku) => danmaku.content);
      expect(contents).toEqual(["u1 k1", "u1 k2", "u2 k1", "u2 k2"]);
    }
  });

  test("is remembered over a kill of the node", async () => {
    const room = freshRoom("kill");
    const url = node().socketUrl(room);
    const before = await Viewer.open({ url, uid: "u1" });
    const first = await before.publish({ content: "once", key: "k" });
    await node().kill("SIGKILL");
    await node().restart();
    const after = await Viewer.open({ url, uid: "u1" });
    const repeat = await after.publish({ content: "once", key: "k" });
    expect(first).toMatchObject({ type: "ack" });
    expect(repeat.type === "ack" && repeat.offset).toBe(first.type === "ack" && first.offset);
    expect(await new RoomApi(node().url, room).all()).toHaveLength(1);
    await after.close();
  });
});

describe("over HTTP", () => {
  test("Idempotency-Key is the same as key, on both faces", async () => {
    const room = freshRoom("http");
    const api = new RoomApi(node().url, room);
    const one = await api.mustPublish({ uid: "u1", content: "once" }, { "Idempotency-Key": "k" });
    const again = await api.publish({ uid: "u1", content: "once" }, { "Idempotency-Key": "k" });
    const field = await api.publish({ uid: "u1", content: "once", key: "k" });
    for (const repeat of [again, field]) {
      expect([200, 201]).toContain(repeat.status);
      expect((repeat.body as PublishedBody).offset).toBe(one.offset);
    }
    const viewer = await Viewer.open({ url: node().socketUrl(room), uid: "u1" });
    expect(await viewer.publish({ content: "once", key: "k" })).toMatchObject({
      type: "ack",
      offset: one.offset,
    });
    expect(await api.all()).toHaveLength(1);
    await viewer.close();
  });

  test.each(["k".repeat(65), ""])("a key of %p is refused", async (key) => {
    const api = new RoomApi(node().url, freshRoom());
    const answer = await api.publish({ uid: "u1", content: "x" }, { "Idempotency-Key": key });
    expect(answer).toMatchObject({ status: 400, body: { code: "invalid_message" } });
  });
});
