/**
 * The narrow places, tried exhaustively: one party is stopped before each of its atomic steps in turn, and the other one
 * does all it can at that moment. Threads alone hit these windows, a few nanoseconds wide, too seldom to prove anything.
 */
import { describe, expect, test } from "bun:test";
import { BroadcastConsumer, BroadcastProducer, createBroadcastRing } from "./broadcast-ring.ts";
import { createIngressRing, IngressConsumer, IngressProducer } from "./ingress-ring.ts";
import type { RingConsumer } from "./ring-consumer.ts";
import type { RingProducer } from "./ring-producer.ts";
import { createSignals, Signal } from "./signal.ts";

const STEPS = ["load", "store", "exchange", "notify", "waitAsync"] as const;

/** Runs `act`, and `intrude` right before its atomic step number `stop` (from 1). Returns how many steps it took. */
function interleave(stop: number, act: () => void, intrude: () => void): number {
  const atomics = Atomics as unknown as Record<string, (...args: unknown[]) => unknown>;
  const original = new Map(STEPS.map((name) => [name, atomics[name]!]));
  let steps = 0;
  let intruding = false;
  for (const [name, step] of original) {
    atomics[name] = (...args) => {
      if (!intruding && ++steps === stop) {
        intruding = true;
        intrude();
        intruding = false;
      }
      return step(...args);
    };
  }
  try {
    act();
  } finally {
    for (const [name, step] of original) atomics[name] = step;
  }
  return steps;
}

/** Tries every stop. `scene` makes a fresh one each time; `check` looks at what came of it. */
function everywhere(scene: () => { act: () => void; intrude: () => void; check: () => void }): number {
  for (let stop = 1; ; stop++) {
    const { act, intrude, check } = scene();
    const steps = interleave(stop, act, intrude);
    if (stop > steps) return steps;
    check();
  }
}

/** Writes numbered entries of 60 bytes until the ring takes no more, at most `limit`. */
function flood(producer: RingProducer, from: number, limit: number): number {
  let n = from;
  while (n < from + limit) {
    const index = producer.claim(60);
    if (index < 0) break;
    producer.words.fill(n, index >> 2, (index >> 2) + 15);
    producer.commit();
    n++;
  }
  return n;
}

/** Reads all there is: whole entries, each one more than the one before. Returns the numbers. */
function drain(consumer: RingConsumer): number[] {
  const numbers: number[] = [];
  while (consumer.next()) {
    const entry = consumer.words.slice(consumer.index >> 2, (consumer.index >> 2) + 15);
    expect(consumer.length).toBe(60);
    expect(new Set(entry).size).toBe(1);
    numbers.push(entry[0]!);
  }
  for (let i = 1; i < numbers.length; i++) expect(numbers[i]).toBe(numbers[i - 1]! + 1);
  return numbers;
}

describe("attaching beside a producer that writes as much as it can", () => {
  // 16 entries fill the ring. `known`: what the producer wrote since it last asked the consumers, so what it takes for free.
  for (const written of [0, 1, 9, 16, 37]) {
    for (const burst of [1, 7, 16, 1000]) {
      test(`after ${written} entries, in bursts of ${burst}`, () => {
        const steps = everywhere(() => {
          const ring = createBroadcastRing(1024, 2);
          const producer = new BroadcastProducer(ring);
          const consumer = new BroadcastConsumer(ring, 1);
          let n = flood(producer, 0, written);
          return {
            act: () => consumer.attachAtHead(),
            intrude: () => {
              n = flood(producer, n, burst);
            },
            check: () => {
              const first = n;
              // From here on it gates: after a full ring the producer stops, and every entry is still there.
              n = flood(producer, n, 1000);
              expect(n - first).toBeLessThanOrEqual(16);
              const numbers = drain(consumer);
              expect(numbers.at(-1)).toBe(n - 1);
              expect(numbers[0]).toBeLessThanOrEqual(first);
              consumer.release();
              expect(flood(producer, n, 1000) - n).toBe(16);
            },
          };
        });
        expect(steps).toBeGreaterThanOrEqual(4);
      });
    }
  }
});

test("attaching at every moment of a producer's look at the consumers", () => {
  everywhere(() => {
    const ring = createBroadcastRing(1024, 2);
    const producer = new BroadcastProducer(ring);
    const other = new BroadcastConsumer(ring, 0);
    other.attachAtHead();
    const consumer = new BroadcastConsumer(ring, 1);
    let n = flood(producer, 0, 13);
    drain(other);
    other.release();
    return {
      act: () => {
        n = flood(producer, n, 16);
      },
      intrude: () => consumer.attachAtHead(),
      check: () => {
        const numbers = drain(other);
        other.release();
        n = flood(producer, n, 1000);
        numbers.push(...drain(other));
        expect(numbers).toEqual(Array.from({ length: n - 13 }, (_, i) => 13 + i));
        expect(drain(consumer).at(-1)).toBe(n - 1);
      },
    };
  });
});

test("releasing and detaching at every moment of a producer's look", () => {
  for (const leaving of [false, true]) {
    everywhere(() => {
      const ring = createBroadcastRing(1024, 2);
      const producer = new BroadcastProducer(ring);
      const slow = new BroadcastConsumer(ring, 0);
      const other = new BroadcastConsumer(ring, 1);
      slow.attachAtHead();
      other.attachAtHead();
      let n = flood(producer, 0, 16);
      expect(drain(slow)).toHaveLength(16);
      return {
        act: () => {
          n = flood(producer, n, 1000);
        },
        intrude: () => {
          if (leaving) slow.detach();
          else slow.release();
        },
        check: () => {
          expect(n).toBe(16);
          expect(drain(other)).toHaveLength(16);
        },
      };
    });
  }
});

test("committing at every moment of a consumer's read", () => {
  everywhere(() => {
    const ring = createIngressRing(1024);
    const producer = new IngressProducer(ring);
    const consumer = new IngressConsumer(ring);
    const numbers: number[] = [];
    let n = flood(producer, 0, 5);
    return {
      act: () => {
        numbers.push(...drain(consumer));
        consumer.release();
        numbers.push(...drain(consumer));
      },
      intrude: () => {
        n = flood(producer, n, 1000);
      },
      check: () => {
        numbers.push(...drain(consumer));
        expect(numbers).toEqual(Array.from({ length: n }, (_, i) => i));
      },
    };
  });
});

test("waking at every moment of falling asleep", async () => {
  const sleeps: (Promise<void> | undefined)[] = [];
  const steps = everywhere(() => {
    const signals = createSignals(1);
    const sleeper = new Signal(signals, 0);
    let work = false;
    return {
      act: () => {
        sleeps.push(sleeper.sleep(() => !work));
      },
      intrude: () => {
        work = true;
        new Signal(signals, 0).wake();
      },
      check: () => expect(work).toBe(true),
    };
  });
  expect(steps).toBe(2);
  // The last one was never disturbed and sleeps on; a lost wake-up would be one more.
  sleeps.pop();
  await Promise.all(sleeps);
});
