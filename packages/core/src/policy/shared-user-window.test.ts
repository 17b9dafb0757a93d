import { describe, expect, test } from "bun:test";
import { USER_MESSAGES_MAX, USER_WINDOW_MS } from "./limits.ts";
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
