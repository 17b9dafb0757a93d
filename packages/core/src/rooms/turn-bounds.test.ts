import { describe, expect, test } from "bun:test";
import { CLASSES } from "@danmakud/wire";
import { ROOM_LIMITS } from "./limits.ts";
import { draft, person, Rooms, type TestViewer } from "./rooms.fixture.ts";

const PAID = CLASSES.indexOf("paid");
const SENDS = ROOM_LIMITS.sendsPerTurnMax;
/** Records of a few hundred bytes fill a window's bytes. */
const LONG = "x".repeat(190);

function audience(rooms: Rooms, room: string, count: number): TestViewer[] {
  return Array.from({ length: count }, () => rooms.join(room));
}

/** Sequences what is published, and lets the gateway have one turn. */
function turnAfter(rooms: Rooms, room: string): void {
  rooms.hub.publish(room, person("s", "service"), [draft({})]);
  rooms.sequencer.turn();
  rooms.hub.turn();
}

function framesOf(viewers: readonly TestViewer[]): number {
  return viewers.reduce((sum, viewer) => sum + viewer.frames, 0);
}

async function drainedAudience(rooms: Rooms, count: number): Promise<TestViewer[]> {
  const viewers = audience(rooms, "r", count);
  rooms.run();
  for (const viewer of viewers) viewer.answer = 0;
  for (let i = 0; i < 3; i++) {
    await rooms.publish(
      "r",
      Array.from({ length: 1000 }, () => ({ content: LONG })),
    );
  }
  for (const viewer of viewers) {
    viewer.answer = undefined;
    viewer.frames = 0;
    viewer.bytes = 0;
  }
  return viewers;
}

/** The last offset up to which the viewer has every danmaku or a gap, in order and once. */
function coveredThrough(viewer: TestViewer): number {
  let through = 0;
  for (const record of viewer.records) {
    if (record.type === "danmaku") {
      expect(record.offset).toBe(through + 1);
      through = record.offset;
    } else if (record.type === "gap") {
      expect(record.from).toBe(through + 1);
      through = record.to;
    }
  }
  return through;
}

describe("one turn", () => {
  test("of a large room's pass is all that a small room waits for", () => {
    const rooms = new Rooms();
    const large = audience(rooms, "large", SENDS * 4);
    const small = audience(rooms, "small", 2);
    rooms.run();
    turnAfter(rooms, "large");
    expect(large.filter((viewer) => viewer.offsets().length > 0)).toHaveLength(SENDS);
    turnAfter(rooms, "small");
    expect(small.map((viewer) => viewer.offsets())).toEqual([[1], [1]]);
    expect(large.filter((viewer) => viewer.offsets().length > 0).length).toBeLessThan(SENDS * 2);
    rooms.run();
    for (const viewer of large) expect(viewer.offsets()).toEqual([1]);
  });

  test("sends no more bytes than it may, where frames are long", async () => {
    const rooms = new Rooms();
    const viewers = audience(rooms, "r", 100);
    rooms.run();
    const before = framesOf(viewers);
    rooms.hub.publish(
      "r",
      person("s", "service"),
      Array.from({ length: 1000 }, () => draft({ content: LONG })),
    );
    rooms.sequencer.turn();
    for (const viewer of viewers) viewer.bytes = 0;
    rooms.hub.turn();
    const bytes = viewers.reduce((sum, viewer) => sum + viewer.bytes, 0);
    expect(bytes).toBeGreaterThan(0);
    expect(bytes).toBeLessThan(ROOM_LIMITS.sendBytesPerTurnMax + ROOM_LIMITS.frameBytesMax);
    expect(framesOf(viewers) - before).toBeLessThan(viewers.length);
    rooms.run();
    for (const viewer of viewers) expect(viewer.offsets()).toHaveLength(1000);
  });

  test("of many: a compressed frame is made once for the pass, whatever comes meanwhile, and nobody misses that", () => {
    const rooms = new Rooms();
    const viewers = Array.from({ length: SENDS * 4 }, () => rooms.join("r", { kind: "head" }, "tlv-deflate"));
    const plain = rooms.join("r");
    rooms.run();
    const publish = () => {
      const drafts = Array.from({ length: 5 }, () => draft({ content: LONG }));
      rooms.hub.publish("r", person("s", "service"), drafts);
      rooms.sequencer.turn();
      rooms.hub.turn();
    };
    for (let turn = 0; turn < 4; turn++) publish();
    expect(plain.offsets().at(-1)).toBe(5);
    expect(viewers.map((viewer) => viewer.offsets().at(-1))).toContain(5);
    expect(rooms.deflated).toBe(1);
    rooms.run();
    for (const viewer of [...viewers, plain]) {
      expect(viewer.offsets()).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
    }
    expect(rooms.deflated).toBe(2);
  });

  test("of very many: text made anew on the way, with danmaku that only their sender sees, leaves nobody out", async () => {
    const rooms = new Rooms();
    const viewers = Array.from({ length: ROOM_LIMITS.rendersForMin + SENDS }, () =>
      rooms.join("r", { kind: "head" }, "json"),
    );
    await rooms.configure("r", { maxRate: 4 });
    for (let turn = 0; turn < 30; turn++) turnAfter(rooms, "r");
    rooms.run();
    await rooms.publish("r", [{ class: PAID }]);
    const [first] = viewers;
    expect(first?.offsets().at(-1)).toBe(31);
    expect(first?.of("gap").length).toBeGreaterThan(0);
    for (const viewer of viewers) {
      expect(viewer.offsets()).toEqual(first?.offsets() ?? []);
      expect(coveredThrough(viewer)).toBe(31);
    }
  });

  test("is not spent on sockets that have room again, however many there are", async () => {
    const rooms = new Rooms();
    const viewers = await drainedAudience(rooms, 100);
    for (const viewer of viewers) rooms.hub.drained(viewer.id);
    expect(framesOf(viewers)).toBe(0);
    rooms.hub.turn();
    const bytes = viewers.reduce((sum, viewer) => sum + viewer.bytes, 0);
    expect(bytes).toBeGreaterThan(0);
    expect(bytes).toBeLessThan(ROOM_LIMITS.sendBytesPerTurnMax / 2 + ROOM_LIMITS.windowBytesMax);
    const live = rooms.join("other");
    rooms.sequencer.turn();
    turnAfter(rooms, "other");
    turnAfter(rooms, "other");
    expect(live.offsets()).toContain(1);
    expect(viewers.some((viewer) => viewer.offsets().at(-1) !== 3000)).toBe(true);
    rooms.run();
    for (const viewer of viewers) expect(viewer.offsets().at(-1)).toBe(3000);
  });

  test("passes over who has left since the socket had room, and over who came in that place", async () => {
    const rooms = new Rooms();
    const [first] = await drainedAudience(rooms, 1);
    if (first === undefined) throw new Error("nobody joined");
    rooms.hub.drained(first.id);
    rooms.hub.leave(first.id);
    const second = rooms.join("r");
    expect(second.id).toBe(first.id);
    rooms.run();
    expect(first.frames).toBe(0);
    await rooms.publish("r", [{}]);
    expect(second.offsets()).toEqual([3001]);
  });
});
