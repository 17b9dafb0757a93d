import { expect, test } from "bun:test";
import { createSignals, Signal } from "@danmakud/core/memory";
import { ThreadTimers } from "@danmakud/core/timing";
import { Alarm, clock, runLoop, type ThreadContext } from "./thread.ts";

/** A fraction of a millisecond passes between looking at the clock and setting the alarm. */
test("an alarm for a time that has just passed rings, without a warning on the standard error output", async () => {
  const warnings: Error[] = [];
  const onWarning = (warning: Error) => warnings.push(warning);
  process.on("warning", onWarning);
  await new Promise<void>((resolve) => new Alarm(resolve).set(performance.now() - 1));
  await new Promise((resolve) => setTimeout(resolve));
  process.off("warning", onWarning);
  expect(warnings).toEqual([]);
});

/** Each wait ends within a fraction of a millisecond, which the runtime's timers do not know. */
test("a thread that waits for a group to gather sleeps meanwhile: it turned some 60,000 times a second", async () => {
  const context = {
    signal: new Signal(createSignals(1), 0),
    heartbeats: { beat: () => {} },
    start: { thread: 0 },
    timers: new ThreadTimers(clock.monotonic()),
  } as unknown as ThreadContext;
  const GROUP_MS = 1.6;
  const GROUPS = 50;
  let turns = 0;
  let groups = 0;
  let dueAt = clock.monotonic() + GROUP_MS;
  const loop = {
    turn: () => {
      turns++;
      if (clock.monotonic() < dueAt) return false;
      groups++;
      dueAt = clock.monotonic() + GROUP_MS;
      return false;
    },
    isIdle: () => false,
    nextDueAt: () => dueAt,
    canWait: () => true,
    tick: () => {},
  };
  await runLoop(context, loop, () => groups === GROUPS);
  expect(turns).toBeLessThan(3 * GROUPS);
});
