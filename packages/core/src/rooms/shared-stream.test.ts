import { describe, expect, test } from "bun:test";
import { METRICS } from "./metrics.ts";
import { SHARED_LIMITS } from "./shared-limits.ts";
import { Bench, records, TS } from "./shared-stream.fixture.ts";

describe("messages of other nodes", () => {
  test("go into the ring in the order of the log, each once, however they come", () => {
    const bench = new Bench();
    bench.message(1, ["a", "b"]);
    bench.message(4, ["d"], { base: 3 });
    bench.message(1, ["a", "b"]);
    expect(bench.turn()).toEqual(["7: 1 a", "7: 2 b"]);
    expect(bench.room.head).toBe(2);
    bench.message(3, ["c"]);
    bench.message(4, ["d"], { base: 3 });
    expect(bench.turn()).toEqual(["7: 3 c", "7: 4 d"]);
    expect(bench.turn(1000)).toEqual([]);
    expect(bench.reads).toEqual([]);
  });

  test("a burned stretch makes the room go on under another number, what is before it first", () => {
    const bench = new Bench();
    bench.message(1, ["a"]);
    // The log itself says that 2 to 9 will not come.
    bench.message(10, ["j"], { base: 1 });
    expect(bench.turn()).toEqual(["7: 1 a", "closed 7", "8: 10 j"]);
    expect(bench.room).toMatchObject({ head: 10, ringHead: 10, epoch: "e1" });
  });

  test("of a new epoch that begins above all that may have been shown begin it, and are shown", () => {
    const bench = new Bench();
    bench.message(1, ["a", "b", "lost"]);
    // As the log begins one with the batch that told it of the loss: offsets are burned before the first.
    bench.message(1_000_004, ["c"], { epoch: "e2", base: 2 });
    bench.own(1_000_005, ["d"], { epoch: "e2" });
    expect(bench.turn()).toEqual([
      ...["7: 1 a", "7: 2 b", "7: 3 lost", "closed 7"],
      ...["8: 1000004 c", "8: 1000005 d to 100"],
    ]);
    expect(bench.turn(10_000)).toEqual([]);
    expect(bench.claims).toEqual([]);
  });

  test("of a new epoch begin it; what then still comes of the old one is dropped", () => {
    const bench = new Bench();
    bench.message(1, ["a"]);
    bench.message(5, ["e"], { epoch: "e2", base: 4 });
    bench.message(2, ["b"]);
    expect(bench.turn()).toEqual(["7: 1 a", "closed 7", "8: 5 e"]);
    expect(bench.room.ringEpoch).toBe("e2");
  });

  test("that come before the room is open wait for that", () => {
    const bench = new Bench();
    bench.room.state = "opening";
    bench.message(2, ["b"]);
    bench.message(1, ["of another life"], { epoch: "e0" });
    expect(bench.turn()).toEqual([]);
    bench.room.state = "open";
    bench.room.begin("e1", 1);
    bench.room.ringHead = 1;
    bench.stream.opened(bench.room);
    expect(bench.turn()).toEqual(["7: 2 b"]);
  });

  test("are shown without what was refused or repeated there, which takes no offset", () => {
    const bench = new Bench();
    bench.message(1, ["too soon", "a", "again", "b", "too soon"], { outcomes: "ltrsl" });
    bench.message(3, ["c"], { base: 2 });
    expect(bench.turn()).toEqual(["7: 1 a", "7: 2 b", "7: 3 c"]);
    bench.message(4, ["too soon"], { base: 3, outcomes: "l" });
    expect(bench.turn(1000)).toEqual([]);
    expect(bench.reads).toEqual([]);
    expect(bench.counted[METRICS.sampled]).toBe(1);
  });

  test("wait for room in the ring, and go on where they stopped", () => {
    const bench = new Bench(1 << 18);
    const contents = Array.from({ length: 2500 }, (_, i) => `${i}`.padEnd(100, "x"));
    bench.message(1, contents);
    const seen: string[] = [];
    for (let turns = 0; seen.length < 2500 && turns < 100; turns++) {
      const told = bench.turn();
      expect(told.length).toBeLessThan(2500);
      seen.push(...told);
    }
    expect(seen).toEqual(contents.map((content, i) => `7: ${i + 1} ${content}`));
    expect(bench.stream.waiting).toBe(0);
  });

  test("beyond what may wait are dropped, and read back from the log", () => {
    const bench = new Bench();
    for (let offset = 1; offset <= SHARED_LIMITS.arrivalsMax + 1; offset++) bench.message(offset, ["x"]);
    expect(bench.stream.waiting).toBe(SHARED_LIMITS.arrivalsMax);
    expect(bench.turn()).toHaveLength(SHARED_LIMITS.arrivalsMax);
    bench.turn(SHARED_LIMITS.holeWaitMs);
    expect(bench.reads).toMatchObject([
      { after: SHARED_LIMITS.arrivalsMax, through: SHARED_LIMITS.arrivalsMax + 1 },
    ]);
  });
});

describe("a hole", () => {
  test("is read from the log when its message does not come, and what waited behind it follows", () => {
    const bench = new Bench();
    bench.message(1, ["a"]);
    bench.message(4, ["d"], { base: 3 });
    expect(bench.turn()).toEqual(["7: 1 a"]);
    expect(bench.stream.nextDueAt()).toBe(SHARED_LIMITS.holeWaitMs);
    bench.turn(SHARED_LIMITS.holeWaitMs - 1);
    expect(bench.reads).toEqual([]);
    bench.turn(1);
    expect(bench.reads).toMatchObject([{ after: 1, through: 3 }]);
    expect(bench.counted[METRICS.holesRead]).toBe(1);
    bench.reads[0]?.onDone(records(["b", "c"], [2, 3]));
    expect(bench.turn()).toEqual(["7: 2 b", "7: 3 c", "7: 4 d"]);
    expect(bench.stream.nextDueAt()).toBe(Number.POSITIVE_INFINITY);
  });

  test("of which the log has nothing, or only a part, is left out under another number", () => {
    const bench = new Bench();
    bench.message(6, ["f"], { base: 5 });
    bench.turn(SHARED_LIMITS.holeWaitMs);
    bench.reads[0]?.onDone(records(["c"], [3]));
    expect(bench.turn()).toEqual(["closed 7", "8: 3 c", "closed 8", "9: 6 f"]);
  });

  test("that cannot be read is tried again", () => {
    const bench = new Bench();
    bench.stream.missing(bench.room, 2);
    bench.turn();
    bench.reads[0]?.onDone(new Error("away"));
    expect(bench.failures).toEqual(["away"]);
    bench.turn(SHARED_LIMITS.retryMsMax - 1);
    expect(bench.reads).toHaveLength(1);
    bench.turn(1);
    expect(bench.reads).toHaveLength(2);
    bench.reads[1]?.onDone(records(["a", "b"], [1, 2]));
    expect(bench.turn()).toEqual(["7: 1 a", "7: 2 b"]);
  });

  test("that was filled by messages while it was read comes once", () => {
    const bench = new Bench();
    bench.message(3, ["c"], { base: 2 });
    bench.turn(SHARED_LIMITS.holeWaitMs);
    bench.message(1, ["a", "b"]);
    expect(bench.turn()).toEqual(["7: 1 a", "7: 2 b", "7: 3 c"]);
    bench.reads[0]?.onDone(records(["a", "b"], [1, 2]));
    expect(bench.turn()).toEqual([]);
  });

  test("larger than a window is left to the viewers' own reading", () => {
    const bench = new Bench();
    const head = SHARED_LIMITS.holeRecordsMax + 1;
    bench.stream.missing(bench.room, head);
    expect(bench.turn()).toEqual([]);
    expect(bench.claims).toMatchObject([{ epoch: "e1", head: 0 }]);
    bench.claimed("e1", head);
    expect(bench.turn()).toEqual(["closed 7"]);
    expect(bench.reads).toEqual([]);
    bench.message(head + 1, ["next"]);
    expect(bench.turn()).toEqual([`8: ${head + 1} next`]);
  });

  test("behind one that is larger than a window is read too", () => {
    const bench = new Bench();
    const head = SHARED_LIMITS.holeRecordsMax + 1;
    bench.message(head + 1, ["a"]);
    bench.own(head + 3, ["c"]);
    bench.turn(SHARED_LIMITS.holeWaitMs);
    bench.claimed("e1", head + 3);
    expect(bench.turn()).toEqual(["closed 7", `8: ${head + 1} a`]);
    bench.turn(SHARED_LIMITS.holeWaitMs);
    expect(bench.reads).toMatchObject([{ after: head + 1, through: head + 2 }]);
    bench.reads[0]?.onDone(records(["b"], [head + 2]));
    expect(bench.turn()).toEqual([`8: ${head + 2} b`, `8: ${head + 3} c to 100`]);
  });

  test("in a room that is let go of meanwhile is forgotten", () => {
    const bench = new Bench();
    bench.stream.missing(bench.room, 2);
    bench.turn();
    bench.room.state = "closed";
    bench.stream.forget(bench.room);
    bench.reads[0]?.onDone(records(["a", "b"], [1, 2]));
    expect(bench.turn(10_000)).toEqual([]);
    expect(bench.reads).toHaveLength(1);
  });
});

describe("a batch of this node", () => {
  test("is shown and answered; repeats are answered with the first one", () => {
    const bench = new Bench();
    const repeats = [
      { offset: 4, ts: TS },
      { offset: 57, ts: TS + 9000 },
    ];
    bench.room.head = 4;
    bench.room.ringHead = 4;
    bench.own(5, ["a", "again", "b", "waits"], { base: 4, outcomes: "trtw", repeats, taken: 2 });
    expect(bench.turn()).toEqual([
      "7: 5 a to 100",
      "repeat 4 to 101",
      "7: 6 b to 102",
      "waits 57 to 103, asked 1",
    ]);
    expect(bench.counted[METRICS.sequenced]).toBe(2);
    expect(bench.counted[METRICS.repeats]).toBe(2);
  });

  test("says to whoever comes too soon how long to wait, in whatever company, and whatever replicas have", () => {
    const bench = new Bench();
    bench.room.head = 4;
    bench.room.ringHead = 4;
    const repeats = [
      { offset: 0, ts: 2500 },
      { offset: 4, ts: TS },
      { offset: 0, ts: 60_000 },
    ];
    bench.own(5, ["no", "a", "again", "no"], { base: 4, outcomes: "ltrl", repeats, taken: 1 });
    const refused = { base: 5, outcomes: "l", repeats: [{ offset: 0, ts: 7 }], taken: 0 };
    bench.own(6, ["no"], { ...refused, isReplicated: false });
    expect(bench.turn()).toEqual([
      ...["rate_limited 2500 to 100", "7: 5 a to 101", "repeat 4 to 102", "rate_limited 60000 to 103"],
      "rate_limited 7 to 100",
    ]);
    expect(bench.room.head).toBe(5);
    expect(bench.counted[METRICS.sequenced]).toBe(1);
    expect(bench.counted[METRICS.repeats]).toBe(1);
  });

  test("of nothing but refusals is answered although its room goes on in another epoch", () => {
    const bench = new Bench();
    bench.stream.moveTo(bench.room, "e2", 9);
    bench.own(3, ["no"], { base: 2, outcomes: "l", repeats: [{ offset: 0, ts: 7 }], taken: 0 });
    expect(bench.turn()).toEqual(["closed 7", "rate_limited 7 to 100"]);
  });

  test("that viewers have already, from a hole that was read, is only answered", () => {
    const bench = new Bench();
    bench.stream.missing(bench.room, 2);
    bench.turn();
    bench.reads[0]?.onDone(records(["a", "b"], [1, 2]));
    expect(bench.turn()).toEqual(["7: 1 a", "7: 2 b"]);
    bench.own(1, ["a", "b"]);
    expect(bench.turn()).toEqual(["repeat 1 to 100", "repeat 2 to 101"]);
  });

  test("of nothing but repeats does not stand for what was written before it and is still on its way", () => {
    const bench = new Bench();
    bench.message(1, ["a", "b"]);
    bench.own(6, ["again"], { base: 5, outcomes: "r", repeats: [{ offset: 1, ts: TS }], taken: 0 });
    bench.message(6, ["f"], { base: 5 });
    bench.message(3, ["c", "d", "e"]);
    expect(bench.turn()).toEqual([
      ...["7: 1 a", "7: 2 b", "repeat 1 to 100"],
      ...["7: 3 c", "7: 4 d", "7: 5 e", "7: 6 f"],
    ]);
  });

  test("of nothing but repeats is acked only where enough replicas have what they repeat", () => {
    const bench = new Bench();
    bench.message(1, ["a"]);
    const repeats = [{ offset: 1, ts: TS }];
    bench.own(2, ["again"], { base: 1, outcomes: "r", repeats, taken: 0, isReplicated: false });
    expect(bench.turn()).toEqual(["7: 1 a", "unavailable 0 to 100"]);
  });

  test("that waits behind a hole is answered although another epoch overtakes it", () => {
    const bench = new Bench();
    bench.own(3, ["c"], { base: 2 });
    expect(bench.turn()).toEqual([]);
    bench.message(9, ["i"], { epoch: "e2", base: 8 });
    expect(bench.turn()).toEqual(["repeat 3 to 100", "closed 7", "8: 9 i"]);
  });

  test("that too few replicas have is shown, but not acked, with no time to come back that was never written", () => {
    const bench = new Bench();
    // Fills the ring once over with other numbers, which lie where the refusals are written.
    for (let i = 0; i < 40_000; i++) {
      if (!bench.writer.hasRoom()) bench.turn();
      bench.writer.repeat(7, { gateway: 1, incarnation: 0, ticket: 1 }, 2 ** 52, 2 ** 52);
    }
    bench.turn();
    bench.own(1, ["a"], { isReplicated: false });
    expect(bench.turn()).toEqual(["7: 1 a", "unavailable 0 to 100"]);
    bench.own(1, ["a"], { isReplicated: false });
    expect(bench.turn()).toEqual(["unavailable 0 to 100"]);
  });
});

describe("scheduled danmaku", () => {
  test("tell who waits for them, whether they come by a message or by a hole that is read", () => {
    const bench = new Bench();
    bench.room.asked.ask(57, 5);
    bench.room.asked.ask(58, 6);
    bench.message(1, ["due"], { scheduled: [57] });
    expect(bench.turn()).toEqual(["7: 1 due", "delivered 1 to 5"]);
    bench.stream.missing(bench.room, 3);
    bench.turn();
    bench.reads[0]?.onDone({ ...records(["x", "due too"], [2, 3]), scheduled: new Map([[3, 58]]) });
    expect(bench.turn()).toEqual(["7: 2 x", "7: 3 due too", "delivered 3 to 6"]);
    // Their message comes after all: nobody waits any more.
    bench.message(2, ["x", "due too"], { scheduled: [59, 58] });
    expect(bench.turn()).toEqual([]);
    expect(bench.room.asked.size).toBe(0);
  });

  test("that were jumped over are told of by a message that comes too late for viewers", () => {
    const bench = new Bench();
    bench.room.asked.ask(57, 5);
    bench.stream.moveTo(bench.room, "e1", 100);
    bench.turn();
    bench.message(8, ["due"], { base: 7, scheduled: [57] });
    expect(bench.turn()).toEqual(["delivered 8 to 5"]);
  });
});
