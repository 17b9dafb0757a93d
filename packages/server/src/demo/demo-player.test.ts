import { expect, test } from "bun:test";
import type { Draft } from "@danmakud/wire";
import { DemoPlayer } from "./demo-player.ts";
import { loadRecording, parseRecording } from "./recording.ts";

/** A clock that the test moves, with what was scheduled on it. */
class Clock {
  nowMs = 1_000;
  #timers: { atMs: number; run: () => void }[] = [];

  schedule = (run: () => void, delayMs: number) => {
    const timer = { atMs: this.nowMs + delayMs, run };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  };

  advance(ms: number): void {
    const until = this.nowMs + ms;
    for (;;) {
      const next = this.#timers.sort((a, b) => a.atMs - b.atMs)[0];
      if (next === undefined || next.atMs > until) break;
      this.#timers.shift();
      this.nowMs = Math.max(this.nowMs, next.atMs);
      next.run();
    }
    this.nowMs = Math.max(this.nowMs, until);
  }

  get waiting(): number {
    return this.#timers.length;
  }
}

function setUp(lines: readonly (readonly [number, string])[]) {
  const recording = parseRecording(
    lines.map(([atMs, content]) => JSON.stringify({ atMs, uid: "u1", content })).join("\n"),
  );
  const clock = new Clock();
  const published: { atMs: number; draft: Draft }[] = [];
  const room = { watchers: 0 };
  const player = new DemoPlayer({
    publish: (draft) => published.push({ atMs: clock.nowMs, draft }),
    watchers: () => room.watchers,
    now: () => clock.nowMs,
    schedule: clock.schedule,
    recording,
  });
  return { clock, published, room, player, contents: () => published.map(({ draft }) => draft.content) };
}

test("nothing is played to an empty room", () => {
  const { clock, player, published } = setUp([[0, "a"]]);
  player.start();
  clock.advance(60_000);
  expect(published).toEqual([]);
  expect(player.state).toBe("looking");
});

test("plays in order, at the recorded distances, and begins again at the end", () => {
  const { clock, player, published, room, contents } = setUp([
    [5_000, "a"],
    [6_000, "b"],
    [6_000, "c"],
    [9_500, "d"],
  ]);
  room.watchers = 1;
  player.start();
  clock.advance(1_000);
  expect(contents()).toEqual(["a"]);
  clock.advance(4_000);
  expect(contents()).toEqual(["a", "b", "c", "d"]);
  expect(published[3]!.atMs - published[0]!.atMs).toBe(4_500);
  clock.advance(30_000);
  expect(contents().slice(4, 8)).toEqual(["a", "b", "c", "d"]);
  expect(published[0]!.draft.uid).toBe("u1");
});

test("keeps its place when the last watcher leaves and does not catch up afterwards", () => {
  const { clock, player, room, contents } = setUp([
    [0, "a"],
    [1_000, "b"],
    [2_000, "c"],
    [3_000, "d"],
  ]);
  room.watchers = 2;
  player.start();
  clock.advance(1_500);
  expect(contents()).toEqual(["a", "b"]);
  room.watchers = 0;
  clock.advance(600_000);
  expect(contents()).toEqual(["a", "b"]);
  room.watchers = 1;
  clock.advance(800);
  expect(contents()).toEqual(["a", "b", "c"]);
});

test("a clock that jumps ahead leaves no burst behind", () => {
  const lines = Array.from({ length: 50 }, (_, at) => [at * 1_000, `c${at}`] as const);
  const { clock, player, published, room } = setUp(lines);
  room.watchers = 1;
  player.start();
  clock.advance(2_500);
  const before = published.length;
  clock.nowMs += 20_000;
  clock.advance(100);
  expect(published.length).toBe(before + 1);
});

test("a stopped player leaves nothing scheduled", () => {
  const { clock, player, room, published } = setUp([[0, "a"]]);
  room.watchers = 1;
  player.start();
  player.stop();
  expect(clock.waiting).toBe(0);
  const before = published.length;
  clock.advance(60_000);
  expect(published.length).toBe(before);
});

test("the bundled recording is valid, a few minutes long, and speaks several languages", async () => {
  const recording = await loadRecording();
  expect(recording.length).toBeGreaterThan(200);
  expect(recording.at(-1)!.atMs).toBeGreaterThan(180_000);
  expect(recording.at(-1)!.atMs).toBeLessThan(240_000);
  const all = recording.map(({ draft }) => draft.content).join("");
  for (const script of [
    /\p{Script=Han}/u,
    /\p{Script=Hiragana}/u,
    /\p{Script=Hangul}/u,
    /\p{Script=Cyrillic}/u,
    /[a-z]/,
  ]) {
    expect(all).toMatch(script);
  }
  expect(new Set(recording.map(({ draft }) => draft.mode)).size).toBe(4);
  expect(recording.every(({ draft }) => draft.uid !== undefined)).toBe(true);
});
