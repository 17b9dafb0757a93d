import { describe, expect, test } from "bun:test";
import { CLASSES, danmakuSampled, type GapRecord } from "@danmakud/wire";
import fc from "fast-check";
import type { Encoding } from "./hub.ts";
import { ROOM_LIMITS } from "./limits.ts";
import { METRICS } from "./metrics.ts";
import { draft, person, Rooms, type TestViewer } from "./rooms.fixture.ts";

const HEAD = { kind: "head" } as const;
const by = (uid: string, count = 1, fields = {}) => Array.from({ length: count }, () => ({ uid, ...fields }));

/** Danmaku and gaps in short: "3" and "4-9 sampled". */
function outline(viewer: TestViewer): string[] {
  return viewer.records.flatMap((record) => {
    if (record.type === "danmaku") return [`${record.offset}`];
    return record.type === "gap" ? [`${record.from}-${record.to} ${record.reason}`] : [];
  });
}

/** Offsets that only their senders see, as the log has them. */
function leftOut(rooms: Rooms, room: string): Set<number> {
  const records = rooms.log.rooms.get(room)?.records ?? [];
  return new Set(records.filter(({ bytes }) => danmakuSampled(bytes, 0)).map(({ offset }) => offset));
}

/** A room of 4 per second (one at a time) that has just used up what it had. */
async function usedUp(rooms: Rooms): Promise<void> {
  await rooms.configure("r", { maxRate: 4 });
  await rooms.publish("r", by("first"));
}

describe("a danmaku that is left out", () => {
  test("is acked, logged, counted and in the history; others get one gap for as many as follow one another", async () => {
    const rooms = new Rooms();
    const viewers = (["tlv", "json", "sse"] as const).map((encoding) => rooms.join("r", HEAD, encoding));
    rooms.run();
    await usedUp(rooms);
    rooms.now -= 50;
    expect(await rooms.publish("r", by("u", 20))).toEqual(Array.from({ length: 20 }, (_, i) => i + 2));
    rooms.run(2000);
    await rooms.publish("r", by("u"));
    expect(outline(viewers[0]!)).toEqual(["1", "2-21 sampled", "22"]);
    expect(outline(viewers[1]!)).toEqual(["1", "2-21 sampled", "22"]);
    expect(viewers[2]!.texts.join("")).toContain(
      'id: epoch1:21\ndata: {"type":"gap","from":2,"to":21,"reason":"sampled"}',
    );
    expect(leftOut(rooms, "r").size).toBe(20);
    expect(rooms.counted[METRICS.sampled]).toBe(20);
    const page = rooms.hub.history("r", { last: 100 });
    const room = rooms.hub.describe("r");
    rooms.run();
    expect((await room)?.sampledRate).toBeCloseTo(2, 0);
    expect((await page)?.bytes.length).toBeGreaterThan(22 * 24);
  });

  test("is seen by its sender, in its place, on every connection of every gateway", async () => {
    const rooms = new Rooms({ gateways: 2 });
    const own = [rooms.join("r", HEAD, "tlv", 0, "me"), rooms.join("r", HEAD, "json", 1, "me")];
    const other = rooms.join("r", HEAD, "tlv", 1, "you");
    rooms.run();
    await usedUp(rooms);
    rooms.now -= 50;
    const rush = [...by("x", 3), ...by("me"), ...by("x", 2), ...by("me", 2), ...by("x")];
    await rooms.publish("r", rush);
    rooms.run(2000);
    const seen = ["1", "2-4 sampled", "5", "6-7 sampled", "8", "9", "10-10 sampled"];
    for (const viewer of own) expect(outline(viewer)).toEqual(seen);
    expect(outline(other)).toEqual(["1", "2-10 sampled"]);
  });

  test("reaches its sender soon, while others are told of the gap with what comes next", async () => {
    const rooms = new Rooms();
    const sender = rooms.join("r", HEAD, "tlv", 0, "me");
    const others = Array.from({ length: 100 }, () => rooms.join("r"));
    rooms.run();
    await usedUp(rooms);
    const frames = others[0]!.frames;
    rooms.now -= 50;
    await rooms.publish("r", [...by("me"), ...by("x", 5)]);
    rooms.run(ROOM_LIMITS.sendersGatherMs);
    expect(outline(sender).slice(0, 2)).toEqual(["1", "2"]);
    expect(others[0]!.frames).toBe(frames);
    rooms.run(300);
    await rooms.publish("r", by("x"));
    for (const viewer of others) expect(outline(viewer)).toEqual(["1", "2-7 sampled", "8"]);
    expect(others[0]!.frames).toBe(frames + 1);
  });

  test("is announced in the end, even where nothing else comes", async () => {
    const rooms = new Rooms();
    const viewer = rooms.join("r");
    rooms.run();
    await usedUp(rooms);
    rooms.now -= 50;
    await rooms.publish("r", by("x", 3));
    expect(outline(viewer)).toEqual(["1"]);
    rooms.run(ROOM_LIMITS.gapHeldMs);
    rooms.run();
    expect(outline(viewer)).toEqual(["1", "2-4 sampled"]);
    expect(rooms.hub.turn()).toBe(false);
    expect(rooms.hub.nextDueAt()).toBe(Number.POSITIVE_INFINITY);
  });

  test("in any number makes nobody a slow consumer", async () => {
    const rooms = new Rooms();
    const viewer = rooms.join("r");
    await rooms.configure("r", { maxRate: 1 });
    for (let i = 0; i < 8; i++) await rooms.publish("r", by("x", 1000));
    rooms.run(2000);
    const gaps = viewer.of("gap");
    expect(gaps.every((gap) => gap.reason === "sampled")).toBe(true);
    expect(viewer.offsets().length + gaps.reduce((sum, gap) => sum + gap.to - gap.from + 1, 0)).toBe(8000);
    expect(viewer.frames).toBeLessThan(40);
  });

  test("stays left out for those who come later, when the room is no longer bounded too", async () => {
    const rooms = new Rooms({ roomLingerMs: 1000 });
    await usedUp(rooms);
    rooms.now -= 50;
    await rooms.publish("r", [...by("x", 4), ...by("me"), ...by("x", 4)]);
    await rooms.configure("r", { maxRate: 0 });
    await rooms.publish("r", by("x", 2));
    const resume = { kind: "resume", epoch: "epoch1", after: 0 } as const;
    const fromWindow = rooms.join("r", resume);
    const own = rooms.join("r", resume, "json", 0, "me");
    rooms.run(2000);
    const others = ["1", "2-10 sampled", "11", "12"];
    const mine = ["1", "2-5 sampled", "6", "7-10 sampled", "11", "12"];
    expect(outline(fromWindow)).toEqual(others);
    expect(outline(own)).toEqual(mine);
    for (const viewer of [fromWindow, own]) rooms.hub.leave(viewer.id);
    rooms.run(3000);
    rooms.run(3000);
    expect(rooms.sequencer.openRooms).toBe(0);
    const fromLog = rooms.join("r", resume);
    const ownFromLog = rooms.join("r", resume, "tlv", 0, "me");
    rooms.run();
    expect(outline(fromLog)).toEqual(others);
    expect(outline(ownFromLog)).toEqual(mine);
  });

  test("does not count among the last N", async () => {
    const rooms = new Rooms();
    rooms.join("r");
    await rooms.configure("r", { maxRate: 1 });
    for (let i = 0; i < 10; i++) {
      await rooms.publish("r", by("x", 100));
      rooms.run(1000);
    }
    const viewer = rooms.join("r", { kind: "last", records: 3 });
    rooms.run();
    expect(viewer.offsets()).toHaveLength(3);
  });

  test("is never one of class paid or system", async () => {
    const rooms = new Rooms();
    const viewer = rooms.join("r");
    await rooms.configure("r", { maxRate: 1 });
    await rooms.publish("r", by("x", 200, { class: CLASSES.indexOf("paid") }));
    await rooms.publish("r", by("x", 5));
    rooms.run(2000);
    expect(viewer.offsets()).toHaveLength(200);
    expect(viewer.of("gap")).toMatchObject([{ from: 201, to: 205, reason: "sampled" }]);
  });

  test("answers a repeat of its key with its offset", async () => {
    const rooms = new Rooms();
    await usedUp(rooms);
    rooms.now -= 50;
    expect(await rooms.publish("r", [{ key: "a" }, { key: "a" }, { key: "b" }])).toEqual([2, 2, 3]);
    expect([...leftOut(rooms, "r")]).toEqual([2, 3]);
  });
});

test.each(["left out", "seen by all"])(
  "what comes while a pass over many viewers is under way reaches them after it: %s",
  async (what) => {
    const rooms = new Rooms();
    const viewers = Array.from({ length: ROOM_LIMITS.sendsPerTurnMax * 3 }, (_, i) => {
      return rooms.join("r", HEAD, "tlv", 0, `u${i}`);
    });
    rooms.run();
    await rooms.configure("r", { maxRate: 4 });
    const have = (offset: number) => viewers.filter((viewer) => viewer.offsets().includes(offset)).length;
    const publish = (uid: string) => {
      rooms.hub.publish("r", person("s", "service"), [draft({ uid })]);
      rooms.sequencer.turn();
      rooms.hub.turn();
    };
    publish("x");
    expect(have(1)).toBe(ROOM_LIMITS.sendsPerTurnMax);
    rooms.now += what === "left out" ? 0 : 1000;
    publish("u0");
    expect(have(1)).toBe(ROOM_LIMITS.sendsPerTurnMax * 2);
    rooms.run(ROOM_LIMITS.sendersGatherMs * 2);
    expect(have(1)).toBe(viewers.length);
    expect(have(2)).toBe(what === "left out" ? 1 : viewers.length);
    rooms.run(ROOM_LIMITS.gapHeldMs);
    rooms.run();
    const last = what === "left out" ? "2-2 sampled" : "2";
    for (const viewer of viewers.slice(1)) expect(outline(viewer)).toEqual(["1", last]);
    expect(outline(viewers[0]!)).toEqual(["1", "2"]);
  },
);

test("who joins while a pass over many viewers announces gaps is told of them too", async () => {
  const rooms = new Rooms();
  const viewers = Array.from({ length: ROOM_LIMITS.sendsPerTurnMax * 2 }, () => rooms.join("r"));
  rooms.run();
  await usedUp(rooms);
  rooms.now -= 50;
  await rooms.publish("r", by("x", 3));
  rooms.now += ROOM_LIMITS.gapHeldMs;
  rooms.hub.turn();
  expect(viewers.filter((viewer) => viewer.of("gap").length === 1)).toHaveLength(ROOM_LIMITS.sendsPerTurnMax);
  const newcomer = rooms.join("r", { kind: "resume", epoch: "epoch1", after: 0 });
  expect(outline(newcomer)).toEqual(["1"]);
  rooms.run(ROOM_LIMITS.gapHeldMs);
  rooms.run(ROOM_LIMITS.gapHeldMs);
  for (const viewer of [...viewers, newcomer]) expect(outline(viewer)).toEqual(["1", "2-4 sampled"]);
});

/** A viewer through its lives: every one goes on where the last one ended. */
class Follower {
  readonly uid: string;
  readonly encoding: Encoding;
  readonly gateway: number;
  readonly lives: { readonly viewer: TestViewer; readonly after: number }[] = [];

  constructor(rooms: Rooms, uid: string, encoding: Encoding, gateway: number) {
    this.uid = uid;
    this.encoding = encoding;
    this.gateway = gateway;
    this.lives.push({ viewer: rooms.join("r", HEAD, encoding, gateway, uid), after: 0 });
  }

  get viewer(): TestViewer {
    return this.lives.at(-1)!.viewer;
  }

  /** The offset after which a client would resume. */
  get position(): number {
    const { viewer, after } = this.lives.at(-1)!;
    const last = viewer.records.findLast((record) => record.type === "danmaku" || record.type === "gap");
    if (last?.type === "danmaku") return last.offset;
    return last?.type === "gap" ? last.to : after;
  }

  reconnect(rooms: Rooms): void {
    const after = this.position;
    rooms.hubs[this.gateway]!.leave(this.viewer.id);
    const start = { kind: "resume", epoch: "epoch1", after } as const;
    this.lives.push({ viewer: rooms.join("r", start, this.encoding, this.gateway, this.uid), after });
  }

  /** What all lives together have seen; throws where there is a hole, a repeat or disorder. */
  account(head: number): { readonly seen: ReadonlySet<number>; readonly gaps: readonly GapRecord[] } {
    const seen = new Set<number>();
    const gaps: GapRecord[] = [];
    let next = 0;
    for (const { viewer } of this.lives) {
      for (const record of viewer.records) {
        if (record.type !== "danmaku" && record.type !== "gap") continue;
        const from = record.type === "gap" ? record.from : record.offset;
        if (from !== next + 1) throw new Error(`${from} after ${next} for ${this.uid}`);
        next = record.type === "gap" ? record.to : record.offset;
        if (record.type === "gap") gaps.push(record);
        else seen.add(record.offset);
      }
    }
    if (next !== head) throw new Error(`${this.uid} ends at ${next} of ${head}`);
    return { seen, gaps };
  }
}

const UIDS = ["a", "b", "c", "viewer-with-a-long-name"];
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      what: fc.constant("publish" as const),
      gateway: fc.integer({ min: 0, max: 1 }),
      runs: fc.array(
        fc.record({
          uid: fc.constantFrom(...UIDS, "x", "y"),
          class: fc.constantFrom(0, 0, 0, 1, 2, 3),
          count: fc.oneof(
            { weight: 12, arbitrary: fc.integer({ min: 1, max: 8 }) },
            { weight: 1, arbitrary: fc.integer({ min: 1, max: 5000 }) },
          ),
          contentBytes: fc.constantFrom(1, 10, 190),
        }),
        { minLength: 1, maxLength: 5 },
      ),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      what: fc.constant("rate" as const),
      maxRate: fc.constantFrom(0, 1, 5, 100, 2000),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ what: fc.constant("wait" as const), ms: fc.constantFrom(10, 300, 3000) }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      what: fc.constantFrom("full" as const, "dropping" as const, "drained" as const, "reconnect" as const),
      follower: fc.nat(),
    }),
  },
);

test("whatever comes, every viewer's records and gaps tile the offsets, and show what they should", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 40, size: "max" }), async (steps) => {
      const rooms = new Rooms({ gateways: 2, limits: false });
      const followers = [...UIDS, "nobody"].flatMap((uid, i) => {
        return [0, 1].map((gateway) => {
          const encodings = ["tlv", "json", "tlv-deflate", "json-deflate"] as const;
          return new Follower(rooms, uid, encodings[(i + gateway) % 4]!, gateway);
        });
      });
      rooms.run();
      const sent: { uid: string; class: number }[] = [];
      for (const one of steps) {
        if (one.what === "publish") {
          const drafts = one.runs.flatMap((run) => {
            return Array.from({ length: run.count }, () => ({
              uid: run.uid,
              class: run.class,
              content: "x".repeat(run.contentBytes),
            }));
          });
          // In parts that fit into the ingress ring.
          for (let from = 0; from < drafts.length; from += 2000) {
            const part = drafts.slice(from, from + 2000);
            const offsets = await rooms.publish("r", part, one.gateway);
            expect(offsets).toEqual(part.map((_, i) => sent.length + i + 1));
            sent.push(...part);
          }
        } else if (one.what === "rate") await rooms.configure("r", { maxRate: one.maxRate });
        else if (one.what === "wait") rooms.run(one.ms);
        else {
          const follower = followers[one.follower % followers.length]!;
          if (one.what === "full") follower.viewer.answer = -1;
          if (one.what === "dropping") follower.viewer.answer = 0;
          if (one.what === "drained") drain(rooms, follower);
          if (one.what === "reconnect") follower.reconnect(rooms);
        }
      }
      for (const follower of followers) drain(rooms, follower);
      rooms.run(3000);
      rooms.run(3000);
      const hidden = leftOut(rooms, "r");
      for (const offset of hidden) expect(sent[offset - 1]!.class).toBeLessThan(CLASSES.indexOf("paid"));
      for (const follower of followers) check(follower, sent, hidden);
      expect(rooms.counted[METRICS.sampled] ?? 0).toBe(hidden.size);
      expect(rooms.reports).toEqual([]);
    }),
    { numRuns: 80 },
  );
}, 120_000);

function drain(rooms: Rooms, follower: Follower): void {
  follower.viewer.answer = undefined;
  rooms.hubs[follower.gateway]!.drained(follower.viewer.id);
}

/** Others' danmaku that were left out are never seen, the rest is, unless the viewer was too slow for it. */
function check(
  follower: Follower,
  sent: readonly { uid: string; class: number }[],
  hidden: Set<number>,
): void {
  const { seen, gaps } = follower.account(sent.length);
  for (const offset of seen) {
    if (hidden.has(offset) && sent[offset - 1]!.uid !== follower.uid)
      throw new Error(`${offset} was left out`);
  }
  for (const { from, to, reason } of gaps) {
    expect(["sampled", "slow_consumer"]).toContain(reason);
    for (let offset = from; offset <= to; offset++) {
      const { uid, class: danmakuClass } = sent[offset - 1]!;
      if (danmakuClass >= CLASSES.indexOf("paid")) throw new Error(`${offset} must be delivered`);
      if (reason === "sampled" && (!hidden.has(offset) || uid === follower.uid)) {
        throw new Error(`${offset} should be seen by ${follower.uid}`);
      }
    }
  }
}
