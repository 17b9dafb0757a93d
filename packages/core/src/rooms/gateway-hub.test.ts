import { describe, expect, test } from "bun:test";
import { CLASSES, CLOSE_CODES, encodeRecord, type WireRecord } from "@danmakud/wire";
import { ROOM_LIMITS } from "./limits.ts";
import { draft, person, Rooms } from "./rooms.fixture.ts";

const PAID = CLASSES.indexOf("paid");
const many = (count: number, fields = {}) =>
  Array.from({ length: count }, (_, i) => ({ content: `c${i}`, ...fields }));

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}

describe("publish and deliver", () => {
  test("all viewers of all gateways see one order, in each encoding", async () => {
    const rooms = new Rooms({ gateways: 2 });
    const viewers = [
      rooms.join("r"),
      rooms.join("r", { kind: "head" }, "json"),
      rooms.join("r", { kind: "head" }, "tlv", 1),
    ];
    rooms.run();
    expect(await rooms.publish("r", many(3), 0)).toEqual([1, 2, 3]);
    expect(await rooms.publish("r", many(2), 1)).toEqual([4, 5]);
    for (const viewer of viewers) {
      expect(viewer.records[0]).toMatchObject({ type: "hello", head: 0, resumed: false });
      expect(viewer.offsets()).toEqual([1, 2, 3, 4, 5]);
    }
  });

  test("an ack comes only once the record is on disk; viewers need not wait", async () => {
    const rooms = new Rooms();
    const viewer = rooms.join("r");
    rooms.run();
    rooms.journalHeld = true;
    let settled = false;
    rooms.hub.publish("r", person("s", "service"), [draft({})]).then(() => {
      settled = true;
    });
    rooms.run();
    await Promise.resolve();
    expect(viewer.offsets()).toEqual([1]);
    expect(settled).toBe(false);
    rooms.journalHeld = false;
    rooms.run();
    await Bun.sleep(0);
    expect(settled).toBe(true);
  });

  test("a key answers with the first offset, also while that is in flight and after the room was closed", async () => {
    const rooms = new Rooms({ roomLingerMs: 1000 });
    rooms.journalHeld = true;
    const first = rooms.hub.publish("r", person("u", "service"), [draft({ key: "k" })]);
    const second = rooms.hub.publish("r", person("u", "service"), [
      draft({ key: "k" }),
      draft({ key: "k2" }),
    ]);
    rooms.run();
    rooms.journalHeld = false;
    rooms.run();
    expect(await first).toMatchObject([{ offset: 1 }]);
    expect(await second).toMatchObject([{ offset: 1 }, { offset: 2 }]);
    rooms.run(5000);
    rooms.run(5000);
    const third = rooms.hub.publish("r", person("u", "service"), [draft({ key: "k" })]);
    rooms.run();
    expect(await third).toMatchObject([{ offset: 1 }]);
    const otherUser = rooms.hub.publish("r", person("v", "service"), [draft({ key: "k" })]);
    rooms.run();
    expect(await otherUser).toMatchObject([{ offset: 3 }]);
  });

  test("while the log cannot be written publishers get unavailable, and nothing is lost or doubled after", async () => {
    const rooms = new Rooms();
    const viewer = rooms.join("r");
    await rooms.publish("r", many(1));
    rooms.log.failing = true;
    expect(await rooms.publish("r", [{ key: "a" }])).toEqual(["unavailable"]);
    expect(await rooms.publish("r", [{ key: "b" }])).toEqual(["unavailable"]);
    rooms.log.failing = false;
    rooms.run(1000);
    expect(await rooms.publish("r", [{ key: "a" }, { key: "b" }])).toEqual([2, 3]);
    expect(viewer.offsets()).toEqual([1, 2, 3]);
    expect(rooms.log.rooms.get("r")?.records.map((record) => record.offset)).toEqual([1, 2, 3]);
  });

  test("history read meanwhile names the head of what it has", async () => {
    const rooms = new Rooms();
    await rooms.publish("r", many(2));
    rooms.log.failing = true;
    await rooms.publish("r", many(3));
    const page = rooms.hub.history("r", { after: 0, limit: 10 });
    rooms.run();
    expect(await page).toMatchObject({ head: 2 });
  });

  test("an answer that does not come in time is unavailable, once", async () => {
    const rooms = new Rooms();
    await rooms.publish("r", many(1));
    rooms.journalHeld = true;
    const outcome = rooms.hub.publish("r", person("s", "service"), [draft({})]);
    rooms.run();
    rooms.run(ROOM_LIMITS.answerTimeoutMs * 2);
    expect(await outcome).toMatchObject([{ error: { code: "unavailable" } }]);
    rooms.journalHeld = false;
    rooms.run();
    expect(await rooms.publish("r", many(1))).toEqual([3]);
  });

  test("a full broadcast ring holds publishers back, and nothing is lost", async () => {
    const rooms = new Rooms({ broadcastBytes: 1 << 18 });
    const viewer = rooms.join("r");
    rooms.run();
    rooms.journalHeld = true;
    const outcomes = rooms.hub.publish("r", person("s", "service"), many(4000).map(draft));
    rooms.run();
    expect(viewer.offsets().length).toBeLessThan(4000);
    rooms.journalHeld = false;
    rooms.run();
    expect((await outcomes).map((outcome) => "offset" in outcome && outcome.offset)).toEqual(range(1, 4000));
    expect(viewer.offsets()).toEqual(range(1, 4000));
  });
});

describe("join", () => {
  test("last N comes from the window, from the log, and from both", async () => {
    const rooms = new Rooms({ roomLingerMs: 1000 });
    await rooms.publish("r", many(300));
    rooms.run(3000);
    rooms.run(3000);
    const cold = rooms.join("r", { kind: "last", records: 290 });
    rooms.run();
    expect(cold.offsets()).toEqual(range(11, 300));
    await rooms.publish("r", many(10));
    const warm = rooms.join("r", { kind: "last", records: 5 });
    const both = rooms.join("r", { kind: "last", records: 1000 });
    rooms.run();
    expect(warm.offsets()).toEqual(range(306, 310));
    expect(both.offsets()).toEqual(range(1, 310));
    expect(cold.offsets()).toEqual(range(11, 310));
  });

  test("a resume gets everything after its offset, at the head nothing, beyond or elsewhere it starts at the head", async () => {
    const rooms = new Rooms();
    await rooms.publish("r", many(6000));
    const epoch = "epoch1";
    const resume = (after: number, of = epoch) => rooms.join("r", { kind: "resume", epoch: of, after });
    const [early, atHead, beyond, foreign] = [resume(0), resume(6000), resume(6001), resume(5, "other")];
    rooms.run();
    expect(early.of("hello")[0]).toMatchObject({ resumed: true, head: 6000 });
    expect(early.offsets()).toEqual(range(1, 6000));
    expect(atHead.of("hello")[0]?.resumed).toBe(true);
    expect(atHead.offsets()).toEqual([]);
    for (const viewer of [beyond, foreign]) {
      expect(viewer.of("hello")[0]).toMatchObject({ resumed: false, head: 6000 });
      expect(viewer.offsets()).toEqual([]);
    }
    await rooms.publish("r", many(1));
    for (const viewer of [early, atHead, beyond, foreign]) expect(viewer.offsets().at(-1)).toBe(6001);
  });

  test("history that is not on disk yet is waited for, never called lost", async () => {
    const rooms = new Rooms();
    rooms.join("r");
    rooms.run();
    rooms.journalHeld = true;
    for (let i = 0; i < 6; i++) rooms.hub.publish("r", person("s", "service"), many(1000).map(draft));
    rooms.run();
    const resumed = rooms.join("r", { kind: "resume", epoch: "epoch1", after: 0 });
    rooms.run();
    expect(resumed.offsets()).toEqual([]);
    rooms.journalHeld = false;
    rooms.run();
    expect(resumed.offsets()).toEqual(range(1, 6000));
    expect(resumed.of("gap")).toEqual([]);
  });

  test("what a viewer sends before its room is open is kept for then", () => {
    const rooms = new Rooms();
    const viewer = rooms.join("r", { kind: "head" }, "json");
    rooms.hub.receive(viewer.id, '{"type":"publish","id":7,"content":"early"}');
    rooms.run();
    expect(viewer.of("ack")).toEqual([{ type: "ack", id: 7, offset: 1 }]);
    expect(viewer.records[0]?.type).toBe("hello");
  });

  test("a frame that is too large is refused, not its connection, also before the room is open", () => {
    const rooms = new Rooms();
    const viewers = (["json", "tlv"] as const).map((encoding) => rooms.join("r", { kind: "head" }, encoding));
    for (const { id } of viewers) rooms.hub.receive(id, new Uint8Array(70_000));
    rooms.hub.receive(viewers[0]!.id, " ".repeat(70_000));
    rooms.hub.receive(viewers[0]!.id, '{"type":"ping","id":1}');
    rooms.run();
    const codes = viewers.map((viewer) => viewer.of("error").map(({ code }) => code));
    expect(codes).toEqual([["too_large", "too_large"], ["too_large"]]);
    expect(viewers[0]!.of("pong")).toHaveLength(1);
    for (const viewer of viewers) expect(viewer.closed).toBeUndefined();
  });

  test("before the room is open a burst is kept, and a flood is not", () => {
    const rooms = new Rooms();
    const ping = (id: number) => `{"type":"ping","id":${id}}`;
    const send = (count: number, text: (i: number) => string) => {
      const viewer = rooms.join("r", { kind: "head" }, "json");
      for (let i = 0; i < count; i++) rooms.hub.receive(viewer.id, text(i));
      return viewer;
    };
    const burst = send(ROOM_LIMITS.earlyFramesMax, ping);
    const flood = send(ROOM_LIMITS.earlyFramesMax + 1, ping);
    const bulk = send(3, () => " ".repeat(30_000));
    rooms.run();
    expect(burst.of("pong").map(({ id }) => id)).toEqual(range(0, ROOM_LIMITS.earlyFramesMax - 1));
    for (const viewer of [flood, bulk]) expect(viewer.closed?.code).toBe(CLOSE_CODES.rate_limited);
  });

  test("binary publishes go the short way or the long way to the same end", () => {
    const rooms = new Rooms();
    const viewer = rooms.join("r");
    rooms.run();
    const style = { mode: "top", color: "#0a0b0c", size: 30 } as const;
    const frame = encodeAll([
      { type: "publish", id: 1, content: "plain 你好", key: "k", ...style },
      { type: "publish", id: 2, content: "plain again", key: "k", ...style },
      { type: "publish", id: 3, content: "emoji 😀", ...style },
      { type: "publish", id: 4, content: " padded ", ...style },
      { type: "ping", id: 5 },
      { type: "publish", id: 6, content: "\u3000", ...style },
    ]);
    rooms.hub.receive(viewer.id, frame);
    rooms.run();
    expect(viewer.of("ack").map(({ id, offset }) => [id, offset])).toEqual([
      [1, 1],
      [2, 1],
      [3, 2],
      [4, 3],
    ]);
    expect(viewer.of("pong")).toHaveLength(1);
    expect(viewer.of("error")).toMatchObject([{ id: 6, code: "invalid_message" }]);
    const seen = viewer.of("danmaku");
    expect(seen.map(({ content }) => content)).toEqual(["plain 你好", "emoji 😀", "padded"]);
    for (const danmaku of seen) expect(danmaku).toMatchObject({ ...style, uid: "viewer0", class: "normal" });
  });

  test("a room too many is refused", () => {
    const rooms = new Rooms({ roomsMax: 1 });
    const first = rooms.join("a");
    const second = rooms.join("b");
    rooms.run();
    expect(first.closed).toBeUndefined();
    expect(second.closed?.code).toBe(1013);
  });

  test("events carry the position to resume after", async () => {
    const rooms = new Rooms();
    await rooms.publish("r", many(2));
    const viewer = rooms.join("r", { kind: "last", records: 1 }, "sse");
    rooms.run();
    expect(viewer.texts.join("")).toStartWith('id: epoch1:1\ndata: {"type":"hello"');
    expect(viewer.texts.join("")).toContain('\n\nid: epoch1:2\ndata: {"type":"danmaku","offset":2');
  });
});

describe("slow viewers", () => {
  test("a blocked viewer is left alone until it drains, then gets what the window has", async () => {
    const rooms = new Rooms();
    const slow = rooms.join("r");
    const fast = rooms.join("r");
    rooms.run();
    slow.answer = -1;
    await rooms.publish("r", many(2));
    const frames = slow.frames;
    await rooms.publish("r", many(50));
    expect(slow.frames).toBe(frames);
    expect(fast.offsets()).toEqual(range(1, 52));
    slow.answer = undefined;
    rooms.hub.drained(slow.id);
    rooms.run();
    expect(slow.offsets()).toEqual(range(1, 52));
    expect(slow.of("gap")).toEqual([]);
  });

  test("a frame that was dropped is sent again", async () => {
    const rooms = new Rooms();
    const slow = rooms.join("r");
    rooms.run();
    slow.answer = 0;
    await rooms.publish("r", many(3));
    slow.answer = undefined;
    rooms.hub.drained(slow.id);
    rooms.run();
    expect(slow.offsets()).toEqual([1, 2, 3]);
  });

  test("too far behind it skips by gaps, but never past paid ones", async () => {
    const rooms = new Rooms();
    const slow = rooms.join("r");
    rooms.run();
    slow.answer = 0;
    for (let i = 0; i < 10; i++) {
      await rooms.publish("r", many(999));
      await rooms.publish("r", [{ class: PAID }]);
    }
    slow.answer = undefined;
    rooms.hub.drained(slow.id);
    rooms.run();
    const seen = new Set(slow.offsets());
    for (let paid = 1000; paid <= 10_000; paid += 1000) expect(seen.has(paid)).toBe(true);
    const gaps = slow.of("gap");
    expect(gaps.length).toBeGreaterThan(0);
    for (const gap of gaps) {
      expect(gap.reason).toBe("slow_consumer");
      for (let offset = gap.from; offset <= gap.to; offset++) expect(seen.has(offset)).toBe(false);
    }
    const skipped = gaps.reduce((sum, gap) => sum + gap.to - gap.from + 1, 0);
    expect(skipped + seen.size).toBe(10_000);
  });

  test("more paid ones than are kept beside the window come from the log", async () => {
    const rooms = new Rooms();
    const slow = rooms.join("r");
    rooms.run();
    slow.answer = 0;
    const count = ROOM_LIMITS.mustDeliverKept + 100;
    for (let i = 0; i < 4; i++) await rooms.publish("r", many(count / 4, { class: PAID }));
    for (let i = 0; i < 5; i++) await rooms.publish("r", many(1000));
    slow.answer = undefined;
    rooms.hub.drained(slow.id);
    rooms.run();
    expect(slow.offsets().slice(0, count)).toEqual(range(1, count));
  });

  test("a viewer that takes nothing is closed after 30 s", async () => {
    const rooms = new Rooms();
    const slow = rooms.join("r");
    rooms.run();
    slow.answer = 0;
    await rooms.publish("r", many(1));
    rooms.run(20_000);
    expect(slow.closed).toBeUndefined();
    rooms.run(20_000);
    expect(slow.closed?.code).toBe(CLOSE_CODES.slow_consumer);
  });
});

describe("rooms come and go", () => {
  test("online counts reach every gateway, and fall", () => {
    const rooms = new Rooms({ gateways: 2 });
    const first = rooms.join("r");
    rooms.run();
    const second = rooms.join("r", { kind: "head" }, "tlv", 1);
    rooms.run(6000);
    expect(first.of("stats").at(-1)?.online).toBe(2);
    rooms.hubs[1]!.leave(second.id);
    rooms.run(6000);
    expect(first.of("stats").at(-1)?.online).toBe(1);
  });

  test("an empty room is let go after the linger time and goes on where it was", async () => {
    const rooms = new Rooms({ roomLingerMs: 1000 });
    const viewer = rooms.join("r");
    await rooms.publish("r", many(3));
    rooms.hub.leave(viewer.id);
    expect(rooms.sequencer.openRooms).toBe(1);
    rooms.run(3000);
    rooms.run(3000);
    expect(rooms.sequencer.openRooms).toBe(0);
    expect(await rooms.publish("r", many(1))).toEqual([4]);
  });

  test("an untouched room is forgotten, and comes back in another epoch", async () => {
    const rooms = new Rooms({ roomLingerMs: 1000, roomTtlMs: 100_000 });
    await rooms.publish("r", many(3));
    rooms.run(200_000);
    rooms.run(200_000);
    expect(await describe_(rooms, "r")).toBeUndefined();
    expect(await rooms.publish("r", many(1))).toEqual([1]);
    expect((await describe_(rooms, "r"))?.epoch).not.toBe("epoch1");
  });

  test("looking does not create a room", async () => {
    const rooms = new Rooms();
    expect(await describe_(rooms, "nobody")).toBeUndefined();
    expect(rooms.sequencer.openRooms).toBe(0);
  });
});

async function describe_(rooms: Rooms, room: string) {
  const answer = rooms.hub.describe(room);
  rooms.run();
  return await answer;
}

function encodeAll(records: readonly WireRecord[]): Uint8Array {
  const bytes = new Uint8Array(4096);
  let end = 0;
  for (const record of records) end = encodeRecord(record, bytes, end);
  return bytes.subarray(0, end);
}

describe("pacing", () => {
  const LARGE = 400;

  test("a large room goes out at once after a pause, and gathers what follows", () => {
    const rooms = new Rooms();
    const viewers = Array.from({ length: LARGE }, () => rooms.join("r"));
    rooms.run();
    const publish = () => {
      rooms.hub.publish("r", person("s", "service"), [draft({})]);
      rooms.sequencer.turn();
      while (rooms.hub.turn());
    };
    publish();
    expect(viewers[0]?.offsets()).toEqual([1]);
    publish();
    expect(viewers[0]?.offsets()).toEqual([1]);
    rooms.run();
    expect(viewers[0]?.offsets()).toEqual([1, 2]);
  });
});

describe("compressed frames", () => {
  test("say the same in fewer bytes, and short ones stay as they are", async () => {
    const rooms = new Rooms();
    const plain = rooms.join("r");
    const binary = rooms.join("r", { kind: "head" }, "tlv-deflate");
    const text = rooms.join("r", { kind: "head" }, "json-deflate");
    rooms.run();
    await rooms.publish("r", many(1));
    await rooms.publish("r", many(500));
    expect(binary.offsets()).toEqual(range(1, 501));
    expect(binary.of("danmaku")).toEqual(plain.of("danmaku"));
    expect(text.of("danmaku")).toEqual(plain.of("danmaku"));
    expect(binary.bytes).toBeLessThan(plain.bytes / 2);
    expect(text.bytes).toBeLessThan(plain.bytes);
  });
});

describe("a room entered while it is being let go", () => {
  /** A viewer enters between the sequencer's decision and the gateway's reading of it. */
  async function enterLate(records: number) {
    const rooms = new Rooms({ roomLingerMs: 1000 });
    if (records > 0) await rooms.publish("r", many(records));
    else rooms.hub.leave(rooms.join("r").id);
    rooms.run();
    rooms.now += 10_000;
    rooms.sequencerTimers.turn(rooms.now);
    expect(rooms.sequencer.openRooms).toBe(0);
    const viewer = rooms.join("r");
    rooms.run();
    return { rooms, viewer };
  }

  test("goes on where the log has it", async () => {
    const { rooms, viewer } = await enterLate(3);
    expect(viewer.of("hello")).toHaveLength(1);
    expect(await rooms.publish("r", many(2))).toEqual([4, 5]);
    expect(viewer.offsets()).toEqual([4, 5]);
  });

  test("misses nothing that another gateway publishes there meanwhile", async () => {
    const rooms = new Rooms({ gateways: 2, roomLingerMs: 1000 });
    await rooms.publish("r", many(3), 0);
    rooms.now += 10_000;
    rooms.sequencer.tick();
    const viewer = rooms.join("r", { kind: "last", records: 2 });
    expect(await rooms.publish("r", many(1), 1)).toEqual([4]);
    rooms.run();
    expect(viewer.of("hello")).toHaveLength(1);
    expect(viewer.offsets()).toEqual([2, 3, 4]);
  });

  test("begins anew where the log has nothing, and says so", async () => {
    const { rooms, viewer } = await enterLate(0);
    expect(viewer.of("hello").map(({ epoch, resumed }) => [epoch, resumed])).toEqual([
      ["epoch1", false],
      ["epoch2", false],
    ]);
    expect(await rooms.publish("r", many(2))).toEqual([1, 2]);
    expect(viewer.offsets()).toEqual([1, 2]);
  });
});
