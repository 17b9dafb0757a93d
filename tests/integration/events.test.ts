import { describe, expect, test } from "bun:test";
import { EventStream, freshRoom, RoomApi, undisturbed, useNode, Viewer, waitFor } from "@danmakud/testkit";
import type { DanmakuRecord } from "@danmakud/wire";

const node = useNode();

async function open(room: string, query = "", headers: Record<string, string> = {}): Promise<EventStream> {
  return await EventStream.open(`${node().url}/v1/rooms/${room}/events?${query}`, headers);
}

function danmakuOf(stream: EventStream): DanmakuRecord[] {
  return stream.records.filter((record): record is DanmakuRecord => record.type === "danmaku");
}

async function countOf(stream: EventStream, count: number): Promise<DanmakuRecord[]> {
  await waitFor(`${count} danmaku on the stream`, () => danmakuOf(stream).length >= count);
  return danmakuOf(stream);
}

describe("the event stream", () => {
  test("begins with hello and brings the same records as the WebSocket", async () => {
    const room = freshRoom("sse");
    const stream = await open(room, "uid=u1");
    expect(stream.status).toBe(200);
    expect(stream.headers.get("content-type")).toMatch(/^text\/event-stream/);
    await stream.record("hello", (record) => record.type === "hello");
    const viewer = await Viewer.open({ url: node().socketUrl(room) });
    const api = new RoomApi(node().url, room);
    for (const content of ["one", "two\u3000words", "<三>"]) await api.mustPublish({ uid: "u2", content });
    expect(await countOf(stream, 3)).toEqual((await viewer.saw("<三>")) && viewer.danmaku);
    expect(stream.records[0]).toMatchObject({ type: "hello", room, uid: "u1", resumed: false, head: 0 });
    await viewer.close();
    stream.close();
  });

  test("names each record by epoch and offset", async () => {
    const room = freshRoom("ids");
    const stream = await open(room);
    await new RoomApi(node().url, room).mustPublish({ uid: "u", content: "one" });
    const [danmaku] = await countOf(stream, 1);
    const event = stream.events.find(({ data }) => data.includes('"danmaku"'));
    const hello = stream.records[0];
    expect(event?.id).toBe(`${hello?.type === "hello" && hello.epoch}:${danmaku!.offset}`);
    stream.close();
  });

  test("goes on after Last-Event-ID, by header and by query", async () => {
    const room = freshRoom("again");
    const api = new RoomApi(node().url, room);
    const first = await api.mustPublish({ uid: "u", content: "first" });
    await api.mustPublish({ uid: "u", content: "second" });
    const byHeader = await open(room, "", { "Last-Event-ID": `${first.epoch}:${first.offset}` });
    const byQuery = await open(room, `after=${first.offset}&epoch=${first.epoch}`);
    for (const stream of [byHeader, byQuery]) {
      expect((await countOf(stream, 1)).map((danmaku) => danmaku.content)).toEqual(["second"]);
      expect(stream.records[0]).toMatchObject({ type: "hello", resumed: true });
      stream.close();
    }
  });

  test("starts with the last N", async () => {
    const room = freshRoom("last");
    const api = new RoomApi(node().url, room);
    for (let n = 0; n < 5; n++) await api.mustPublish({ uid: "u", content: `n${n}` });
    const stream = await open(room, "last=2");
    expect((await countOf(stream, 2)).map((danmaku) => danmaku.content)).toEqual(["n3", "n4"]);
    stream.close();
  });

  test("counts as a viewer while it is open", async () => {
    const room = freshRoom("online");
    const api = new RoomApi(node().url, room);
    const stream = await open(room);
    await stream.record("hello", (record) => record.type === "hello");
    const online = async () => ((await api.info()).body as { online: number }).online;
    await waitFor("one online", async () => (await online()) === 1);
    stream.close();
    await waitFor("nobody online", async () => (await online()) === 0);
  });

  test("that breaks off disturbs nobody", async () => {
    const room = freshRoom("abort");
    await undisturbed(node(), room, async () => {
      const streams = await Promise.all(Array.from({ length: 10 }, () => open(room)));
      for (const stream of streams) stream.close();
    });
  });

  test("refuses what the WebSocket refuses, with a status", async () => {
    expect((await open("a%20b")).status).toBe(400);
    for (const query of ["last=1001", "last=x", "uid=a%20b", "role=king"]) {
      expect([400, 401]).toContain((await open(freshRoom(), query)).status);
    }
  });
});
