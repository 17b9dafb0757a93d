import { describe, expect, test } from "bun:test";
import { HeartbeatMonitor } from "./heartbeat-monitor.ts";
import { createHeartbeats, Heartbeats } from "./heartbeats.ts";

const LIMITS = { silentMsMax: 1000, startingMsMax: 5000, systemCallMsMax: 10_000, tickMsMax: 200 };

function scene(threads = 3, waitedMs: (thread: number) => number = () => 0) {
  const heartbeats = new Heartbeats(createHeartbeats(threads));
  const monitor = new HeartbeatMonitor(heartbeats, { ...LIMITS, waitedMs });
  let nowMs = 1_000_000;
  /** Lets time pass in ticks of 100 ms; returns what the last one found. */
  const pass = (ms: number, beating: readonly number[] = []): readonly number[] => {
    let found: readonly number[] = [];
    for (let left = ms; left > 0; left -= 100) {
      nowMs += 100;
      for (const thread of beating) heartbeats.beat(thread);
      found = monitor.watch(nowMs);
    }
    return found;
  };
  const jump = (ms: number) => {
    nowMs += ms;
    return monitor.watch(nowMs);
  };
  pass(100);
  return { heartbeats, monitor, pass, jump };
}

describe("the monitor", () => {
  test("finds a running thread that has gone silent, and only it", () => {
    const { heartbeats, pass } = scene();
    for (const thread of [0, 1]) heartbeats.beat(thread);
    expect(pass(1000, [0])).toEqual([]);
    expect(pass(200, [0])).toEqual([1]);
    expect(pass(100, [0])).toEqual([1]);
    expect(pass(100, [0, 1])).toEqual([]);
  });

  test("does not blame a thread for the time in which it got no processor", () => {
    let waitedMs = 77_000;
    const { heartbeats, pass } = scene(1, () => waitedMs);
    heartbeats.beat(0);
    expect(pass(500)).toEqual([]);
    for (let i = 0; i < 50; i++) {
      waitedMs += 100;
      expect(pass(100)).toEqual([]);
    }
    // It has one now, and still does not beat.
    expect(pass(500)).toEqual([]);
    expect(pass(200)).toEqual([0]);
  });

  test("leaves threads alone that have stopped or were never started", () => {
    const { heartbeats, pass } = scene();
    heartbeats.beat(0);
    heartbeats.stop(0);
    expect(pass(60_000)).toEqual([]);
    expect(heartbeats.state(0)).toBe("stopped");
  });

  test("gives a starting thread longer, until its first beat", () => {
    const { heartbeats, pass } = scene();
    heartbeats.starting(2);
    expect(pass(5000)).toEqual([]);
    expect(pass(200)).toEqual([2]);
    heartbeats.beat(2);
    expect(heartbeats.state(2)).toBe("running");
    expect(pass(1000)).toEqual([]);
    expect(pass(200)).toEqual([2]);
  });

  test("gives a thread in a system call longer, but not for ever", () => {
    const { heartbeats, pass } = scene();
    heartbeats.beat(0);
    heartbeats.enterSystemCall(0);
    expect(pass(10_000)).toEqual([]);
    expect(heartbeats.state(0)).toBe("inSystemCall");
    expect(pass(300)).toEqual([0]);
    heartbeats.leaveSystemCall(0);
    expect(heartbeats.state(0)).toBe("running");
    expect(pass(500)).toEqual([]);
  });

  test("short system calls one after another are beats", () => {
    const { heartbeats, pass } = scene();
    for (let i = 0; i < 50; i++) {
      heartbeats.enterSystemCall(0);
      expect(pass(900)).toEqual([]);
      heartbeats.leaveSystemCall(0);
    }
  });

  test("a tick that came late does not count against the others", () => {
    const { heartbeats, jump, pass } = scene();
    for (const thread of [0, 1, 2]) heartbeats.beat(thread);
    expect(pass(500)).toEqual([]);
    // The watcher was held up for a minute. Nobody could be heard in that time.
    expect(jump(60_000)).toEqual([]);
    expect(pass(400, [0, 1])).toEqual([]);
    expect(pass(100, [0, 1])).toEqual([2]);
  });

  test("a clock that goes backwards takes nothing away", () => {
    const { heartbeats, jump, pass } = scene(1);
    heartbeats.beat(0);
    pass(100);
    expect(jump(-5000)).toEqual([]);
    expect(pass(1100)).toEqual([0]);
  });

  test("a thread started anew begins with no silence", () => {
    const { heartbeats, monitor, pass } = scene(1);
    heartbeats.starting(0);
    expect(pass(5200)).toEqual([0]);
    heartbeats.starting(0);
    monitor.reset(0);
    expect(monitor.silentMs(0)).toBe(0);
    expect(pass(5000)).toEqual([]);
  });
});
