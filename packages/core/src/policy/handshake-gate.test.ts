import { describe, expect, test } from "bun:test";
import type { DanmakuError } from "@danmakud/wire";
import { METRICS } from "../rooms/metrics.ts";
import { HandshakeGate } from "./handshake-gate.ts";
import { HANDSHAKES } from "./limits.ts";

const STAYS = () => false;

class Door {
  now = 1000;
  readonly counted: number[] = [];
  woken = 0;
  readonly gate: HandshakeGate;
  /** What became of those who had to wait: when, and the refusal. */
  readonly outcomes: { readonly at: number; readonly refusal: DanmakuError | undefined }[] = [];
  #fraction = 0;

  constructor(perSecond: number) {
    this.gate = new HandshakeGate({
      perSecond,
      clock: { now: () => this.now, monotonic: () => this.now },
      random: {
        token: () => "",
        fraction: () => {
          this.#fraction = (this.#fraction + 0.37) % 1;
          return this.#fraction;
        },
      },
      counters: {
        add: (metric, count) => {
          this.counted[metric] = (this.counted[metric] ?? 0) + count;
        },
        set: () => {},
      },
      onWaiting: () => {
        this.woken++;
      },
    });
  }

  /** Lets `count` come at once; returns how many went in without waiting. */
  come(count: number, isGone = STAYS): number {
    let through = 0;
    for (let i = 0; i < count; i++) {
      const wait = this.gate.enter(isGone);
      if (wait === undefined) through++;
      else wait.then((refusal) => this.outcomes.push({ at: this.now, refusal }));
    }
    return through;
  }

  /** Turns every `everyMs` for so long. */
  async run(ms: number, everyMs = 1): Promise<void> {
    for (const end = this.now + ms; this.now < end; ) {
      this.now += everyMs;
      this.gate.turn();
      await Promise.resolve();
    }
  }

  admitted(): number {
    return this.outcomes.filter(({ refusal }) => refusal === undefined).length;
  }
}

describe("handshakes", () => {
  test("below the rate nobody waits", async () => {
    const door = new Door(1000);
    for (let ms = 0; ms < 500; ms++) {
      expect(door.come(1)).toBe(1);
      door.now++;
    }
    expect([door.woken, door.counted[METRICS.handshakes]]).toEqual([0, 500]);
  });

  test("a storm comes in at the rate, in order, and a burst of 10 ms after a quiet time", async () => {
    const door = new Door(1000);
    expect(door.come(1500)).toBe(10);
    expect(door.woken).toBe(1490);
    await door.run(1000);
    expect(door.admitted()).toBe(1000);
    await door.run(500);
    expect(door.admitted()).toBe(1490);
    expect(door.counted[METRICS.handshakesDelayed]).toBe(1490);
    expect(door.counted[METRICS.handshakes]).toBe(1500);
  });

  test("slow turns of the loop lose nothing of the rate up to the burst, and never let in more than a turn's share", async () => {
    const door = new Door(4000);
    door.come(4000);
    await door.run(400, 8);
    expect(door.admitted()).toBe((400 / 8) * HANDSHAKES.perTurnMax);
  });

  test("newcomers do not overtake those who wait", async () => {
    const door = new Door(1000);
    door.come(20);
    door.now += 5;
    expect(door.come(1)).toBe(0);
    await door.run(5);
    expect([door.admitted(), door.gate.waiting]).toEqual([10, 1]);
  });

  test("who finds the queue full is sent away, each with another time to come back", async () => {
    const door = new Door(100);
    const queueMax = (100 * HANDSHAKES.waitMsMax) / 1000;
    door.come(1 + queueMax + 50);
    await Promise.resolve();
    const times = door.outcomes.map(({ refusal }) => refusal?.retryAfterMs ?? 0);
    expect(door.outcomes.every(({ refusal }) => refusal?.code === "overloaded")).toBe(true);
    expect(times.length).toBe(50);
    expect(new Set(times).size).toBeGreaterThan(40);
    expect(Math.min(...times)).toBeGreaterThanOrEqual(HANDSHAKES.retryMsMin);
    expect(Math.max(...times)).toBeLessThanOrEqual(HANDSHAKES.retryMsMin + HANDSHAKES.retryMsSpread);
    expect(door.counted[METRICS.handshakesOverflowed]).toBe(50);
  });

  test("who waited too long is sent away, a bounded number per turn", async () => {
    const door = new Door(1000);
    door.come(10 + 2000);
    door.now += HANDSHAKES.waitMsMax;
    expect(door.gate.turn()).toBe(true);
    await Promise.resolve();
    expect(door.outcomes.length).toBe(HANDSHAKES.perTurnMax);
    await door.run(100);
    expect(door.gate.waiting).toBe(0);
    expect(door.counted[METRICS.handshakesExpired]).toBe(2000);
  });

  test("who is gone by its turn takes nobody's place", async () => {
    const door = new Door(1000);
    door.come(10);
    door.come(500, () => true);
    door.come(5);
    await door.run(25);
    expect(door.admitted()).toBe(5);
    expect(door.counted[METRICS.handshakesGone]).toBe(500);
  });

  test("says when it is due, also for the deadline alone", () => {
    const door = new Door(0.1);
    expect(door.gate.nextDueAt()).toBe(Number.POSITIVE_INFINITY);
    const one = new Door(1000);
    one.come(11);
    expect(one.gate.nextDueAt()).toBeCloseTo(one.now + 1);
    const two = new Door(1);
    two.come(2);
    expect(two.gate.nextDueAt()).toBeCloseTo(two.now + 1000);
  });

  test("on the way down everybody who waits is sent away", async () => {
    const door = new Door(1000);
    door.come(100);
    door.gate.close();
    await Promise.resolve();
    expect([door.outcomes.length, door.admitted(), door.gate.waiting]).toEqual([90, 0, 0]);
  });
});
