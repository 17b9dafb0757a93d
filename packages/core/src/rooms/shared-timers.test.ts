/** What a node before a shared log does later: rooms let go of, counts and settings told, looks, what dead gateways left. */
import { describe, expect, test } from "bun:test";
import { ThreadTimers } from "../timing/index.ts";
import { GoneLives } from "./gone-lives.ts";
import { ROOM_LIMITS } from "./limits.ts";
import { SHARED_LIMITS } from "./shared-limits.ts";
import { BEAT_MS, LINGER_MS, SharedNode } from "./shared-node.fixture.ts";

const HOUR_MS = 3_600_000;
const LOOKS_PER_BEAT = (SHARED_LIMITS.looksPerSecondMax * BEAT_MS) / 1000;

describe("an open room of a shared log", () => {
  test("is let go of after it stood empty for the linger time, not a moment before", () => {
    const node = new SharedNode();
    node.open("r");
    node.settle();
    node.count("r", 2);
    node.run(6 * LINGER_MS);
    expect(node.sequencer.openRooms).toBe(1);
    node.count("r", 0);
    node.run(LINGER_MS);
    expect([node.sequencer.openRooms, node.toldOf("closed")]).toEqual([1, []]);
    node.run(2 * ROOM_LIMITS.lingerMarginMs);
    expect([node.sequencer.openRooms, node.toldOf("closed").length]).toEqual([0, 1]);
    expect(node.timers.size).toBe(0);
  });

  test("leaves no timer behind when it is let go of", () => {
    const node = new SharedNode();
    node.open("r");
    node.run(LINGER_MS - 1000);
    // The last one is to be told when the room is gone already.
    for (let online = 1; node.sequencer.openRooms > 0; online++) {
      node.at("r").online = online;
      node.run(BEAT_MS);
    }
    expect(node.timers.size).toBe(0);
    node.run(LINGER_MS);
    expect(node.toldOf("stats").every(({ at }) => at <= (node.toldOf("closed")[0]?.at ?? 0))).toBe(true);
  });

  test("lingers from when somebody asked for it last", () => {
    const node = new SharedNode();
    node.open("r");
    for (let times = 0; times < 5; times++) {
      node.run(LINGER_MS - 1000);
      node.open("r");
    }
    expect(node.sequencer.openRooms).toBe(1);
    node.run(LINGER_MS + 2 * ROOM_LIMITS.lingerMarginMs);
    expect(node.sequencer.openRooms).toBe(0);
  });

  test("is kept until the log knows that nobody is here any more", () => {
    const node = new SharedNode();
    node.open("r");
    node.settle();
    node.count("r", 2);
    node.run(2000);
    node.isAway = true;
    node.count("r", 0);
    node.run(6 * LINGER_MS);
    expect(node.sequencer.openRooms).toBe(1);
    node.isAway = false;
    node.run(4000);
    expect(node.sequencer.openRooms).toBe(0);
    expect(node.looks.at(-1)?.viewers).toBe(0);
  });

  test("is looked at, told of and let go of also under the latest of many numbers", () => {
    const node = new SharedNode();
    node.open("r");
    node.settle();
    node.count("r", 1);
    const epochs = 2 * SHARED_LIMITS.pastEpochsMax;
    for (let epoch = 0; epoch < epochs; epoch++) {
      node.at("r").epoch = `e${epoch}`;
      node.run(1200);
      // As gateways do when a number is over.
      node.open("r");
      node.settle();
      node.count("r", 1);
    }
    expect(node.toldOf("closed")).toHaveLength(epochs);
    node.at("r").online = 7;
    node.run(7000);
    expect(node.toldOf("stats", "r").at(-1)?.is).toBe(7);
    node.count("r", 0);
    node.run(LINGER_MS + 2 * ROOM_LIMITS.lingerMarginMs);
    expect([node.sequencer.openRooms, node.timers.size]).toEqual([0, 0]);
  });

  test("has its count told at most every 5 s, the last one in the end", () => {
    const node = new SharedNode();
    node.open("r");
    node.settle();
    node.count("r", 1);
    for (let online = 1; online <= 40; online++) {
      node.at("r").online = online;
      node.run(1000);
    }
    node.run(7000);
    const stats = node.toldOf("stats", "r");
    expect(stats.length).toBeWithin(7, 11);
    stats.slice(1).forEach(({ at }, index) => {
      expect(at - (stats[index]?.at ?? 0)).toBeGreaterThanOrEqual(ROOM_LIMITS.statsIntervalMs);
    });
    expect(stats.at(-1)?.is).toBe(40);
    node.run(20_000);
    expect(node.toldOf("stats", "r")).toHaveLength(stats.length);
  });

  test("has settings of another node told once, and others have nothing told", () => {
    const node = new SharedNode();
    node.openMany(50);
    node.at("r7").settings = JSON.stringify({ maxRate: 5 });
    node.run(5000);
    expect(node.toldOf("settings").map(({ name }) => name)).toEqual(["r7"]);
    expect(node.toldOf("settings")[0]?.is).toContain('"maxRate":5');
  });
});

describe("looks at the rooms", () => {
  /** How long each room was not looked at, at most, since `from`. */
  function longest(node: SharedNode, names: readonly string[], from: number): number {
    const last = new Map(names.map((name) => [name, from]));
    let most = 0;
    for (const { name, at } of [...node.looks, ...names.map((name) => ({ name, at: node.now }))]) {
      if (at < from) continue;
      most = Math.max(most, at - (last.get(name) ?? 0));
      last.set(name, at);
    }
    return most;
  }

  /** How many there were with each beat. */
  function perBeat(node: SharedNode, from: number): number[] {
    const counts = new Map<number, number>();
    for (const { at } of node.looks) if (at >= from) counts.set(at, (counts.get(at) ?? 0) + 1);
    return [...counts.values()];
  }

  test("come with the first beat after their interval", () => {
    const node = new SharedNode(1000, HOUR_MS);
    const names = node.openMany(100);
    const from = node.now;
    node.run(20_000);
    const beats = Math.ceil(SHARED_LIMITS.lookIntervalMs / BEAT_MS);
    expect(longest(node, names, from)).toBe(beats * BEAT_MS);
    expect(node.looks.filter(({ at }) => at > from)).toHaveLength((20_000 / (beats * BEAT_MS)) * 100);
  });

  test("of more rooms than can be looked at so often are spread, and each has its turn", () => {
    const node = new SharedNode(10_000, HOUR_MS);
    const names = node.openMany(6000);
    node.run(6000);
    const from = node.now;
    node.run(20_000);
    const shareMs = (6000 / SHARED_LIMITS.looksPerSecondMax) * 1000;
    expect(Math.max(...perBeat(node, from + 1))).toBeLessThanOrEqual(LOOKS_PER_BEAT);
    expect(longest(node, names, from)).toBeLessThanOrEqual(shareMs + 3 * BEAT_MS);
  });

  test("tell a changed count soon", () => {
    const node = new SharedNode(1000, HOUR_MS);
    node.openMany(10);
    node.run(1000);
    node.count("r3", 5);
    const from = node.now;
    node.run(3 * BEAT_MS);
    const found = node.looks.find(({ name, viewers }) => name === "r3" && viewers === 5);
    expect((found?.at ?? 0) - from).toBeWithin(1, SHARED_LIMITS.countWaitMs + 2 * BEAT_MS);
  });

  test("go to every room after a doubt, at a bounded rate, and what is missing is read at once", () => {
    const node = new SharedNode(10_000, HOUR_MS);
    const names = node.openMany(6000);
    node.run(6000);
    for (const name of names) node.at(name).head = 1;
    const from = node.now;
    node.sequencer.doubt();
    node.run((6000 / LOOKS_PER_BEAT) * BEAT_MS);
    expect(Math.max(...perBeat(node, from + 1))).toBeLessThanOrEqual(LOOKS_PER_BEAT);
    expect(new Set(node.reads).size).toBe(6000);
  });

  test("go to every room again after another doubt, also those just looked at", () => {
    const node = new SharedNode(1000, HOUR_MS);
    const names = node.openMany(1000);
    node.run(6000);
    node.sequencer.doubt();
    node.run(BEAT_MS);
    for (const name of names) node.at(name).head = 1;
    node.sequencer.doubt();
    node.run(3 * BEAT_MS);
    expect(new Set(node.reads).size).toBe(1000);
  });

  test("that were under way when a doubt came are made again", () => {
    const node = new SharedNode(1000, HOUR_MS);
    node.openMany(10);
    node.sequencer.doubt();
    node.sequencer.tick();
    const before = node.looks.length;
    node.sequencer.doubt();
    node.sequencer.tick();
    node.settle();
    expect(node.looks.length).toBe(before);
    node.run(BEAT_MS);
    expect(node.looks.length).toBe(before + 10);
  });

  test("after a doubt that the log did not answer ask once more", () => {
    const node = new SharedNode(1000, HOUR_MS);
    const names = node.openMany(100);
    node.run(2000);
    node.isAway = true;
    node.sequencer.doubt();
    node.run(2000);
    for (const name of names) node.at(name).head = 1;
    node.isAway = false;
    const before = node.looks.length;
    while (node.looks.length === before) node.run(BEAT_MS);
    expect([node.looks.length - before, new Set(node.reads).size]).toEqual([100, 100]);
  });

  test("have a log that lost a whole epoch begin one more", () => {
    const node = new SharedNode(1000, HOUR_MS);
    node.at("r").head = 5;
    node.open("r");
    node.settle();
    node.run(2000);
    Object.assign(node.at("r"), { epoch: "f", head: 90 });
    node.run(2000);
    expect(node.toldOf("closed")).toHaveLength(1);
    Object.assign(node.at("r"), { epoch: "e", head: 7 });
    node.run(2000);
    expect(node.at("r").epoch).toBe("e+");
    expect(node.at("r").head).toBeGreaterThanOrEqual(90);
    expect(node.toldOf("closed")).toHaveLength(2);
    node.run(10_000);
    expect(node.toldOf("closed")).toHaveLength(2);
  });

  test("find with the first beat after a doubt that the log knows less than was shown", () => {
    const node = new SharedNode(1000, HOUR_MS);
    node.at("r").head = 9;
    node.open("r");
    node.settle();
    node.run(2000);
    node.at("r").head = 3;
    node.sequencer.doubt();
    node.run(BEAT_MS);
    expect(node.at("r")).toMatchObject({ epoch: "e+", head: 9 });
    expect(node.toldOf("closed", "r")).toHaveLength(1);
  });

  test("a room is looked at once more where news came during a look", () => {
    const node = new SharedNode(1000, HOUR_MS);
    node.open("r");
    node.settle();
    const before = node.looks.length;
    const news = { room: "r", epoch: "e", base: 0, first: 1, ts: 1, outcomes: "", count: 0 };
    node.sequencer.receive({ ...news, bytes: new Uint8Array(0) });
    node.sequencer.receive({ ...news, bytes: new Uint8Array(0) });
    expect(node.looks.length - before).toBe(1);
    node.settle();
    node.sequencer.receive({ ...news, bytes: new Uint8Array(0) });
    node.sequencer.receive({ ...news, bytes: new Uint8Array(0) });
    node.settle();
    node.run(BEAT_MS);
    expect(node.looks.length - before).toBe(3);
  });
});

describe("a gateway that is gone", () => {
  test("has what it had counted taken back from a part of the rooms in each turn, lives in their order", () => {
    const timers = new ThreadTimers(0);
    const taken: string[] = [];
    const rooms = Array.from({ length: 2 * ROOM_LIMITS.takenBackPerTurnMax }, (_, room) => room);
    const takeBack = (_room: number, gateway: number, life: number) => taken.push(`${gateway} ${life}`);
    const lives = new GoneLives({ timers, rooms: () => rooms.values(), takeBack });
    lives.add(0, 3);
    lives.add(1, 4);
    expect(taken).toEqual([]);
    for (let now = 1, before = 0; now <= 6; now++, before = taken.length) {
      timers.turn(now);
      expect(taken.length - before).toBeLessThanOrEqual(ROOM_LIMITS.takenBackPerTurnMax);
    }
    expect(taken).toEqual([...rooms.map(() => "0 3"), ...rooms.map(() => "1 4")]);
    expect(timers.size).toBe(0);
  });

  test("leaves to the log what others have, and what its next life has counted meanwhile", () => {
    const count = ROOM_LIMITS.takenBackPerTurnMax + 1000;
    const node = new SharedNode(count);
    const names = node.openMany(count);
    for (const name of names) node.count(name, 1);
    node.open("r0", 1);
    node.settle();
    node.count("r0", 5, 1);
    node.run(8000);
    const share = (name: string) => node.looks.findLast((look) => look.name === name)?.viewers;
    expect([share("r0"), share("r1"), share(names.at(-1) as string)]).toEqual([6, 1, 1]);
    node.sequencer.gatewayGone(0);
    node.count("r2", 3, 0, 1);
    node.settle();
    node.run(8000);
    expect(["r0", "r1", "r2", names.at(-1) as string].map(share)).toEqual([5, 0, 3, 0]);
    expect(names.filter((name) => share(name) !== 0)).toHaveLength(2);
  });

  test("counts no more by what it had sent before", () => {
    const node = new SharedNode();
    node.open("r");
    node.settle();
    node.count("r", 1);
    node.run(1000);
    node.sequencer.gatewayGone(0);
    node.run(1000);
    node.count("r", 9);
    node.run(2000);
    expect(node.looks.at(-1)?.viewers).toBe(0);
    node.count("r", 2, 0, 1);
    node.run(2000);
    expect(node.looks.at(-1)?.viewers).toBe(2);
  });
});
