import { describe, expect, test } from "bun:test";
import { USER_MESSAGES_MAX, USER_OVERSHOOT_WINDOWS_MAX, USER_WINDOW_MS } from "./limits.ts";
import { createUserWindow, SharedUserWindow } from "./shared-user-window.ts";

const NOW = 1_700_000_000_000;
const SEED = 4711;

/** Publishes as often as it may, `tries` times; returns how often that was. */
function publish(window: SharedUserWindow, uid: string, nowMs: number, tries = 1): number {
  let passed = 0;
  for (let i = 0; i < tries; i++) {
    if (window.look(uid, nowMs) > 0) continue;
    window.count();
    passed++;
  }
  return passed;
}

function threads(count: number, users = 64): SharedUserWindow[] {
  const memory = createUserWindow(users);
  return Array.from({ length: count }, () => new SharedUserWindow(memory, SEED));
}

describe("a user's messages over all threads", () => {
  test("20 in 5 s, whoever counts them", () => {
    const all = threads(3);
    const passed = all.map((thread) => publish(thread, "u1", NOW, 15));
    expect(passed).toEqual([15, 5, 0]);
    expect(publish(all[0]!, "u2", NOW, 30)).toBe(USER_MESSAGES_MAX);
  });

  test("the wait that is told is enough, and at most one step too short for the exact window", () => {
    const [thread] = threads(1);
    for (const offsetMs of [0, 1, 250, 499]) {
      const uid = `u${offsetMs}`;
      publish(thread!, uid, NOW + offsetMs, USER_MESSAGES_MAX);
      const waitMs = thread!.look(uid, NOW + offsetMs);
      expect(waitMs).toBeLessThanOrEqual(USER_WINDOW_MS);
      expect(waitMs).toBeGreaterThan(USER_WINDOW_MS - 500);
      expect(thread!.look(uid, NOW + offsetMs + waitMs - 1)).toBeGreaterThan(0);
      expect(thread!.look(uid, NOW + offsetMs + waitMs)).toBe(0);
    }
  });

  test("one each for those that leave the window", () => {
    const [thread] = threads(1);
    let passed = 0;
    for (let ms = 0; ms < 60_000; ms += 50) passed += publish(thread!, "u", NOW + ms);
    expect(passed).toBeGreaterThanOrEqual((60_000 / USER_WINDOW_MS) * USER_MESSAGES_MAX);
    expect(passed).toBeLessThanOrEqual(
      (60_000 / (USER_WINDOW_MS - 500)) * USER_MESSAGES_MAX + USER_MESSAGES_MAX,
    );
  });

  test("slots of users who have gone quiet are taken over, and nobody inherits their counts", () => {
    const [thread] = threads(1, 16);
    for (let round = 0; round < 50; round++) {
      const now = NOW + round * (USER_WINDOW_MS + 500);
      for (let user = 0; user < 8; user++) {
        expect(publish(thread!, `u${round}-${user}`, now, 25)).toBeGreaterThanOrEqual(USER_MESSAGES_MAX);
      }
    }
  });

  test("where all slots are in use, who has none is not held up, and the others are still counted", () => {
    const [thread] = threads(1, 8);
    for (let user = 0; user < 8; user++) publish(thread!, `u${user}`, NOW, USER_MESSAGES_MAX);
    expect(publish(thread!, "late", NOW, 50)).toBe(50);
    for (let user = 0; user < 8; user++) expect(thread!.look(`u${user}`, NOW)).toBeGreaterThan(0);
  });

  test("a clock that jumps either way lets a user out", () => {
    const [thread] = threads(1);
    publish(thread!, "u", NOW, USER_MESSAGES_MAX);
    expect(thread!.look("u", NOW + 3_600_000)).toBe(0);
    publish(thread!, "v", NOW, USER_MESSAGES_MAX);
    expect(thread!.look("v", NOW - 3_600_000)).toBe(0);
  });

  test("of very many users, each is limited by its own messages alone", () => {
    const [thread] = threads(1, 131_072);
    const counts = Array.from({ length: 40_000 }, (_, user) => publish(thread!, `user-${user}`, NOW, 3));
    expect(counts.every((count) => count === 3)).toBe(true);
    expect(publish(thread!, "user-17", NOW, 30)).toBe(USER_MESSAGES_MAX - 3);
  });
});

describe("a user's messages over several nodes", () => {
  const THEN = NOW + 600;

  test("what was published elsewhere counts here", () => {
    const [here] = threads(1);
    expect(here!.addElsewhere("u1", NOW, 15)).toBe(true);
    expect(publish(here!, "u1", NOW, 30)).toBe(5);
    expect(publish(here!, "u2", NOW, 30)).toBe(USER_MESSAGES_MAX);
  });

  test("it leaves the window like one's own, and at the limit nobody is held for longer", () => {
    const [here] = threads(1);
    here!.addElsewhere("u1", NOW, USER_MESSAGES_MAX);
    const waitMs = here!.look("u1", NOW);
    expect(waitMs).toBeGreaterThan(0);
    expect(waitMs).toBeLessThanOrEqual(USER_WINDOW_MS);
    expect(publish(here!, "u1", NOW + waitMs, 30)).toBe(USER_MESSAGES_MAX);
  });

  test("who published on two nodes before they knew of each other waits for the longer, on both", () => {
    const nodes = [threads(1)[0]!, threads(1)[0]!];
    for (const node of nodes) expect(publish(node, "u", NOW, 30)).toBe(USER_MESSAGES_MAX);
    for (const node of nodes) node.addElsewhere("u", THEN, USER_MESSAGES_MAX);
    for (const node of nodes) {
      expect(publish(node, "u", NOW + USER_WINDOW_MS + 1000, 30)).toBe(0);
      const waitMs = node.look("u", THEN);
      expect(waitMs).toBeGreaterThan(1.5 * USER_WINDOW_MS);
      expect(waitMs).toBeLessThanOrEqual(2 * USER_WINDOW_MS);
      expect(publish(node, "u", THEN + waitMs, 30)).toBe(USER_MESSAGES_MAX);
    }
  });

  test.each([2, 3, 5])("hammering %d nodes without end brings no more than one limit, over time", (count) => {
    const nodes = Array.from({ length: count }, () => threads(1)[0]!);
    const told = nodes.map(() => 0);
    const lengthMs = 300_000;
    let passed = 0;
    for (let ms = 0; ms < lengthMs; ms += 50) {
      for (const [at, node] of nodes.entries()) {
        const now = publish(node, "u", NOW + ms);
        passed += now;
        told[at]! += now;
      }
      if (ms % 500 !== 450) continue;
      const counts = told.splice(0, count, ...nodes.map(() => 0));
      for (const [from, messages] of counts.entries()) {
        for (const [at, node] of nodes.entries()) {
          if (at !== from && messages > 0) node.addElsewhere("u", NOW + ms + 60, messages);
        }
      }
    }
    const allowed = (lengthMs / USER_WINDOW_MS) * USER_MESSAGES_MAX;
    expect(passed).toBeLessThanOrEqual(1.15 * allowed + count * USER_MESSAGES_MAX);
    expect(passed).toBeGreaterThan(0.3 * allowed);
  });

  test("nobody is held for ever, however much other nodes tell", () => {
    const [here] = threads(1);
    for (let i = 0; i < 100; i++) here!.addElsewhere("u", NOW, 255);
    const waitMs = here!.look("u", NOW);
    expect(waitMs).toBeLessThanOrEqual((1 + USER_OVERSHOOT_WINDOWS_MAX) * USER_WINDOW_MS);
    expect(here!.look("u", NOW + waitMs)).toBe(0);
  });

  test("a clock that was set back lets a held user out", () => {
    const [here] = threads(1);
    here!.addElsewhere("u", NOW, 60);
    expect(here!.look("u", NOW - 3_600_000)).toBe(0);
  });

  test("without a slot it is said that nobody counts", () => {
    const [here] = threads(1, 8);
    for (let user = 0; user < 8; user++) here!.addElsewhere(`u${user}`, NOW, 1);
    expect(here!.addElsewhere("late", NOW, 5)).toBe(false);
  });
});
