import { describe, expect, test } from "bun:test";
import { call, freshRoom, post, RoomApi, useNode, Viewer, waitFor } from "@danmakud/testkit";
import type { ServerRecord } from "@danmakud/wire";

const node = useNode({ flags: ["--threads", "2"] });
const MODERATOR = "uid=mod&role=moderator";

interface Scheduled {
  readonly scheduled: number;
  readonly deliverAt: number;
  readonly content: string;
  readonly class: string;
}

async function scheduledIn(api: RoomApi, query = ""): Promise<{ scheduled: Scheduled[]; next?: string }> {
  const { status, body } = await call(`${api.url}/scheduled?${MODERATOR}${query}`);
  expect(status).toBe(200);
  return body as { scheduled: Scheduled[]; next?: string };
}

function setUp(name: string): { room: string; api: RoomApi } {
  const room = freshRoom(name);
  return { room, api: new RoomApi(node().url, room) };
}

describe("scheduled danmaku", () => {
  test("are accepted, listed by time, taken back, and delivered at their time", async () => {
    const { room, api } = setUp("later");
    const viewer = await Viewer.open({ url: node().socketUrl(room), uid: "u1" });
    const deliverAt = Date.now() + 4000;
    const first = await api.publish({ content: "first", deliverAt }, {}, MODERATOR);
    expect(first).toMatchObject({ status: 202, body: { deliverAt } });
    const far = await api.publish({ content: "far", delayMs: 3_600_000 }, {}, MODERATOR);
    const notice = await post(`${api.url}/announcements?${MODERATOR}`, {
      content: "hear",
      deliverAt: deliverAt + 1,
    });
    expect(notice.status).toBe(202);
    const { scheduled } = await scheduledIn(api);
    expect(scheduled.map(({ content, class: name }) => [content, name])).toEqual([
      ["first", "moderator"],
      ["hear", "system"],
      ["far", "moderator"],
    ]);
    const page = await scheduledIn(api, "&limit=2");
    expect((await scheduledIn(api, `&after=${page.next}`)).scheduled).toEqual(scheduled.slice(2));

    const one = `${api.url}/scheduled/${(far.body as Scheduled).scheduled}`;
    expect((await call(`${one}?uid=u1`, { method: "DELETE" })).status).toBe(403);
    expect((await call(`${one}?${MODERATOR}`, { method: "DELETE" })).status).toBe(204);
    expect((await call(`${one}?${MODERATOR}`, { method: "DELETE" })).status).toBe(404);
    await waitFor("both danmaku", () => viewer.danmaku.length === 2);
    expect(viewer.danmaku.map(({ content }) => content)).toEqual(["first", "hear"]);
    expect(viewer.danmaku[0]?.ts).toBeGreaterThanOrEqual(deliverAt);
    expect(Date.now()).toBeGreaterThanOrEqual(deliverAt);
    expect((await scheduledIn(api)).scheduled).toEqual([]);
    expect(viewer.faults).toEqual([]);
    await viewer.close();
  });

  test("outlive a restart; what came due meanwhile is delivered at once", async () => {
    const { room, api } = setUp("restart");
    const deliverAt = Date.now() + 400;
    const items = [deliverAt, deliverAt + 100, Date.now() + 3_600_000].map((at, i) => {
      return { content: `s${i}`, deliverAt: at, key: `k${i}` };
    });
    expect((await api.publish(items, {}, MODERATOR)).status).toBe(200);
    await node().kill("SIGTERM");
    await waitFor("the time of two of them", () => Date.now() > deliverAt + 200);
    await node().restart();
    await waitFor("two danmaku", async () => (await api.all()).length === 2);
    expect((await api.all()).map(({ content }) => content)).toEqual(["s0", "s1"]);
    expect((await scheduledIn(api)).scheduled.map(({ content }) => content)).toEqual(["s2"]);
    // Their keys hold over the restart: delivered or still waiting.
    const repeated = await api.publish(items, {}, MODERATOR);
    expect(repeated.body).toMatchObject({
      results: [{ offset: 1 }, { offset: 2 }, { deliverAt: items[2]?.deliverAt }],
    });
    expect((await api.info()).body).toMatchObject({ room });
  });

  test.each(["danmaku.json.v1", "danmaku.tlv.v1"])(
    "over %s: told at once, acked when delivered",
    async (protocol) => {
      const { room } = setUp("socket");
      const { decodeServerRecords, encodeClientRecord } = await import("@danmakud/wire");
      const records: ServerRecord[] = [];
      const socket = new WebSocket(`${node().socketUrl(room)}?${MODERATOR}`, protocol);
      socket.binaryType = "arraybuffer";
      socket.onmessage = ({ data }) => {
        if (typeof data === "string") records.push(...(JSON.parse(data) as ServerRecord[]));
        else records.push(...decodeServerRecords(new Uint8Array(data as ArrayBuffer)));
      };
      const of = (type: string): ServerRecord[] => records.filter((record) => record.type === type);
      await waitFor("hello", () => of("hello").length === 1);
      const publish = { type: "publish", id: 5, content: "soon", delayMs: 1500 } as const;
      if (protocol === "danmaku.json.v1") socket.send(JSON.stringify(publish));
      else {
        const bytes = new Uint8Array(256);
        socket.send(bytes.subarray(0, encodeClientRecord(publish, bytes, 0)));
      }
      await waitFor("scheduled", () => of("scheduled").length === 1);
      await waitFor("ack", () => of("ack").length === 1);
      expect(of("ack")).toMatchObject([{ id: 5, offset: 1 }]);
      const types = records.map(({ type }) => type);
      expect(types.indexOf("scheduled")).toBeLessThan(types.indexOf("ack"));
      socket.close();
    },
  );

  test("are not for viewers", async () => {
    const { api } = setUp("viewers");
    expect((await api.publish({ content: "x", delayMs: 5 }, {}, "uid=u1")).status).toBe(403);
    expect((await post(`${api.url}/announcements?uid=u1`, { content: "x" })).status).toBe(403);
    expect((await call(`${api.url}/scheduled?uid=u1`)).status).toBe(403);
  });
});
