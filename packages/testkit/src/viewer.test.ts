import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type DanmakuRecord, encodeRecord, type ServerRecord } from "@danmakud/wire";
import { Publisher } from "./publisher.ts";
import { RoomLedger } from "./room-ledger.ts";
import { Viewer } from "./viewer.ts";
import { waitFor } from "./wait-for.ts";

/** A server of a few lines with one endless room: every publish is acknowledged and goes to its sender only. */
interface Session {
  readonly tlv: boolean;
  readonly after: number | undefined;
}
let head = 0;
let refuseNext = 0;
let dropped = false;
const keys = new Map<string, number>();
const server = Bun.serve<Session>({
  port: 0,
  hostname: "127.0.0.1",
  fetch(request, self) {
    const query = new URL(request.url).searchParams;
    const after = query.has("after") ? Number(query.get("after")) : undefined;
    const tlv = request.headers.get("sec-websocket-protocol") === "danmaku.tlv.v1";
    const headers = { "Sec-WebSocket-Protocol": tlv ? "danmaku.tlv.v1" : "danmaku.json.v1" };
    return self.upgrade(request, { data: { tlv, after }, headers }) ? undefined : new Response("no");
  },
  websocket: {
    open(socket) {
      const { after } = socket.data;
      const hello = { type: "hello", room: "r", epoch: "e", head, uid: "u", serverTime: 1 } as const;
      reply(socket, [{ ...hello, resumed: after !== undefined }]);
      if (after !== undefined)
        for (let o = after + 1; o <= head; o++) reply(socket, [danmaku(o, `again ${o}`)]);
    },
    message(socket, message) {
      if (typeof message !== "string") return void reply(socket, [{ type: "stats", online: 1 }]);
      const { type, id, content, key } = JSON.parse(message);
      if (type === "ping") return void reply(socket, [{ type: "pong", id }]);
      if (content === "drop me") return socket.terminate();
      if (content === "drop me once" && !dropped) {
        dropped = true;
        return socket.terminate();
      }
      if (content === "skip") head++;
      if (refuseNext > 0) {
        refuseNext--;
        return void reply(socket, [
          { type: "error", code: "overloaded", message: "busy", id, retryAfterMs: 1 },
        ]);
      }
      const offset = keys.get(key) ?? ++head;
      if (key) keys.set(key, offset);
      reply(socket, [danmaku(offset, content), { type: "ack", id, offset }]);
    },
  },
});
const url = `ws://127.0.0.1:${server.port}/`;

function danmaku(offset: number, content: string): DanmakuRecord {
  const look = { mode: "scroll", color: "#ffffff", size: 25, class: "normal" } as const;
  return { type: "danmaku", offset, ts: offset, uid: "u", content, ...look };
}

function reply(socket: Bun.ServerWebSocket<Session>, records: ServerRecord[]): void {
  if (!socket.data.tlv) return void socket.send(JSON.stringify(records));
  const bytes = new Uint8Array(4096);
  let end = 0;
  for (const record of records) end = encodeRecord(record, bytes, end);
  socket.send(bytes.subarray(0, end));
}

beforeAll(() => {
  head = 40;
});
afterAll(() => server.stop(true));

describe("a viewer", () => {
  test("records what comes and finds nothing wrong with it", async () => {
    const ledger = new RoomLedger();
    const viewer = await Viewer.open({ url, ledger });
    const answer = await viewer.publish({ content: "666" });
    expect(answer).toEqual({ type: "ack", id: 1_000_000, offset: viewer.hello.head + 1 });
    await viewer.ping();
    expect(viewer.danmaku.map((d) => d.content)).toEqual(["666"]);
    expect(viewer.faults).toEqual([]);
    expect(ledger.size).toBe(1);
    await viewer.close();
  });

  test("reads the binary form", async () => {
    const viewer = await Viewer.open({ url, encoding: "tlv" });
    viewer.send([{ type: "publish", id: 1, content: "x" }]);
    await waitFor("an answer", () => viewer.stats.length > 0);
    expect(viewer.faults).toEqual([]);
    await viewer.close();
  });

  test("notices a silent hole", async () => {
    const viewer = await Viewer.open({ url });
    await viewer.publish({ content: "skip" });
    expect(viewer.faults.join()).toMatch(/silent hole/);
    await viewer.close();
  });

  test("comes back where it was", async () => {
    const viewer = await Viewer.open({ url, reconnect: true });
    await viewer.publish({ content: "before" });
    viewer.send([{ type: "publish", id: 99, content: "drop me" }]);
    await waitFor("the viewer to be back", () => viewer.hellos.length === 2);
    await viewer.publish({ content: "after" });
    expect(viewer.faults).toEqual([]);
    expect(viewer.coverage.resumes).toBe(1);
    expect(viewer.closes[0]?.code).toBe(1006);
    await viewer.close();
  });
});

describe("a publisher", () => {
  test("tries again with the same key until it is acknowledged", async () => {
    const publisher = new Publisher({ url });
    refuseNext = 3;
    const offsets = await Promise.all(["a", "b"].map((content) => publisher.publish({ content })));
    expect(offsets.map((offset) => publisher.acked.get(offset))).toEqual(["a", "b"]);
    expect(publisher.retries.get("overloaded")).toBe(3);
    expect(publisher.faults).toEqual([]);
    await publisher.close();
  });

  test("goes on after it lost its connection", async () => {
    const publisher = new Publisher({ url });
    await publisher.publish({ content: "one" });
    const lost = publisher.publish({ content: "drop me once" });
    expect(publisher.acked.get(await lost)).toBe("drop me once");
    expect(publisher.faults).toEqual([]);
    await publisher.close();
  });
});
