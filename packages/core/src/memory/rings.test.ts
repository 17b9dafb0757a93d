import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  BroadcastConsumer,
  BroadcastProducer,
  createBroadcastRing,
  detachConsumer,
} from "./broadcast-ring.ts";
import { createIngressRing, IngressConsumer, IngressProducer } from "./ingress-ring.ts";
import type { RingConsumer } from "./ring-consumer.ts";
import type { RingProducer } from "./ring-producer.ts";
import { ringState } from "./ring-state.ts";

function put(producer: RingProducer, value: number, bytes: number): boolean {
  const index = producer.claim(bytes);
  if (index < 0) return false;
  producer.words[index >> 2] = value;
  return true;
}

function take(consumer: RingConsumer): number | undefined {
  return consumer.next() ? consumer.words[consumer.index >> 2] : undefined;
}

describe("a ring", () => {
  test("shows nothing before the commit, and everything after it", () => {
    const ring = createIngressRing(1024);
    const producer = new IngressProducer(ring);
    const consumer = new IngressConsumer(ring);
    put(producer, 1, 4);
    put(producer, 2, 9);
    expect(consumer.isEmpty()).toBe(true);
    expect(consumer.next()).toBe(false);
    producer.commit();
    expect(consumer.isEmpty()).toBe(false);
    expect([take(consumer), consumer.length]).toEqual([1, 4]);
    expect([take(consumer), consumer.length]).toEqual([2, 9]);
    expect(take(consumer)).toBeUndefined();
    expect(consumer.position).toBe(producer.position);
  });

  test("takes an entry of the largest size from any position once it is empty, and refuses one byte more", () => {
    for (let start = 0; start < 256; start++) {
      const ring = createIngressRing(1024, start);
      const producer = new IngressProducer(ring);
      expect(put(producer, 1, producer.payloadBytesMax)).toBe(true);
      expect(() => producer.claim(producer.payloadBytesMax + 1)).toThrow(RangeError);
      expect(() => producer.claim(-1)).toThrow(RangeError);
    }
  });

  test("is full to the last word and takes more only after the release", () => {
    const ring = createIngressRing(1024);
    const producer = new IngressProducer(ring);
    const consumer = new IngressConsumer(ring);
    for (let i = 0; i < 64; i++) expect(put(producer, i, 12)).toBe(true);
    expect(put(producer, 64, 0)).toBe(false);
    producer.commit();
    expect(ringState(ring).fill).toBe(1);
    expect(take(consumer)).toBe(0);
    expect(put(producer, 64, 12)).toBe(false);
    consumer.release();
    expect(put(producer, 64, 12)).toBe(true);
    expect(put(producer, 65, 12)).toBe(false);
  });

  test("a successor goes on where the former thread committed or released", () => {
    const ring = createIngressRing(1024);
    const former = new IngressProducer(ring);
    put(former, 1, 4);
    put(former, 2, 4);
    former.commit();
    put(former, 99, 4);
    const producer = new IngressProducer(ring);
    put(producer, 3, 4);
    producer.commit();
    const reader = new IngressConsumer(ring);
    expect(take(reader)).toBe(1);
    reader.release();
    expect(take(reader)).toBe(2);
    const successor = new IngressConsumer(ring);
    expect([take(successor), take(successor), take(successor)]).toEqual([2, 3, undefined]);
  });

  test("is not taken for the other kind, nor any buffer for a ring", () => {
    expect(() => new IngressProducer(createBroadcastRing(1024, 1))).toThrow("other kind");
    expect(() => new BroadcastConsumer(createBroadcastRing(1024, 1), 1)).toThrow("no consumer 1");
    expect(() => new IngressConsumer(new SharedArrayBuffer(2048))).toThrow("not a ring");
    for (const bytes of [0, 512, 1000, 1025, 2 ** 30])
      expect(() => createIngressRing(bytes)).toThrow("power of two");
    expect(() => createBroadcastRing(1024, 0)).toThrow("consumers");
  });
});

describe("a broadcast ring", () => {
  test("waits for nobody while nobody is attached, but keeps what is not committed", () => {
    const producer = new BroadcastProducer(createBroadcastRing(1024, 2));
    for (let i = 0; i < 1000; i++) {
      expect(put(producer, i, 60)).toBe(true);
      producer.commit();
    }
    let pending = 0;
    while (put(producer, pending, 60)) pending++;
    expect(pending).toBe(16);
  });

  test.each([
    [0, 2],
    [2, 0],
  ])(
    "waits for the slowest of those attached, and no longer once it is detached (%d, %d)",
    (first, second) => {
      const ring = createBroadcastRing(1024, 3);
      const producer = new BroadcastProducer(ring);
      const fast = new BroadcastConsumer(ring, first);
      const slow = new BroadcastConsumer(ring, second);
      fast.attachAtHead();
      slow.attachAtHead();
      for (let i = 0; i < 16; i++) put(producer, i, 60);
      producer.commit();
      for (let i = 0; i < 16; i++) expect(take(fast)).toBe(i);
      fast.release();
      expect(put(producer, 16, 60)).toBe(false);
      expect(take(slow)).toBe(0);
      slow.release();
      expect(put(producer, 16, 60)).toBe(true);
      expect(put(producer, 17, 60)).toBe(false);
      const { consumers } = ringState(ring);
      expect([consumers[first]?.behindBytes, consumers[second]?.behindBytes]).toEqual([0, 960]);
      slow.detach();
      expect(put(producer, 16, 60)).toBe(true);
      expect(slow.next()).toBe(false);
      expect(slow.isEmpty()).toBe(true);
    },
  );

  test("a consumer that comes late sees what is committed from then on", () => {
    const ring = createBroadcastRing(1024, 1);
    const producer = new BroadcastProducer(ring);
    const consumer = new BroadcastConsumer(ring, 0);
    put(producer, 1, 4);
    producer.commit();
    put(producer, 2, 4);
    expect(consumer.next()).toBe(false);
    consumer.attachAtHead();
    expect(consumer.next()).toBe(false);
    producer.commit();
    expect([take(consumer), take(consumer)]).toEqual([2, undefined]);
    detachConsumer(ring, 0);
    put(producer, 3, 4);
    producer.commit();
    expect(consumer.next()).toBe(false);
  });
});

/** One step of a random run over a ring with two consumers. */
type Step =
  | { readonly do: "claim"; readonly bytes: number }
  | { readonly do: "commit" }
  | { readonly do: "next" | "release" | "attach" | "detach"; readonly consumer: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("claim" as const),
      bytes: fc.integer({ min: 4, max: 300 }),
    }),
  },
  { weight: 3, arbitrary: fc.constant({ do: "commit" as const }) },
  {
    weight: 9,
    arbitrary: fc.record({ do: fc.constant("next" as const), consumer: fc.integer({ min: 0, max: 1 }) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant("release" as const), consumer: fc.integer({ min: 0, max: 1 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constantFrom("attach" as const, "detach" as const),
      consumer: fc.integer({ min: 0, max: 1 }),
    }),
  },
);

test("any sequence of steps gives what a plain list would give", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(0, 77, 0x7fff_fff0, -100),
      fc.array(step, { minLength: 50, maxLength: 400 }),
      (start, steps) => {
        const ring = createBroadcastRing(1024, 2, start);
        const producer = new BroadcastProducer(ring);
        const consumers = [0, 1].map((c) => new BroadcastConsumer(ring, c));
        const log: { value: number; bytes: number }[] = [];
        let pending: { value: number; bytes: number }[] = [];
        let value = 0;
        const at: (number | undefined)[] = [undefined, undefined];
        const released = [0, 0];
        for (const s of steps) {
          switch (s.do) {
            case "claim": {
              const pendingBytes = ((producer.claimed - producer.position) | 0) * 4;
              const filled = ringState(ring).fill * 1024 + pendingBytes;
              if (!put(producer, ++value, s.bytes)) {
                // Refused only for want of room, padding and all.
                expect(filled + 2 * (s.bytes + 8)).toBeGreaterThan(1024);
                break;
              }
              pending.push({ value, bytes: s.bytes });
              break;
            }
            case "commit":
              producer.commit();
              log.push(...pending);
              pending = [];
              break;
            case "attach":
              consumers[s.consumer]!.attachAtHead();
              at[s.consumer] = log.length;
              released[s.consumer] = log.length;
              break;
            case "detach":
              consumers[s.consumer]!.detach();
              at[s.consumer] = undefined;
              break;
            case "release":
              if (at[s.consumer] === undefined) break;
              consumers[s.consumer]!.release();
              released[s.consumer] = at[s.consumer]!;
              break;
            case "next": {
              const consumer = consumers[s.consumer]!;
              const position = at[s.consumer];
              const expected = position === undefined ? undefined : log[position];
              expect(take(consumer)).toBe(expected?.value);
              if (expected === undefined || position === undefined) break;
              expect(consumer.length).toBe(expected.bytes);
              at[s.consumer] = position + 1;
              break;
            }
          }
          // What is not released is still there, for each of them.
          for (const [c, position] of at.entries()) {
            if (position === undefined || position === released[c] || consumers[c] === undefined) continue;
            expect(consumers[c].words[consumers[c].index >> 2]).toBe(log[position - 1]?.value);
          }
        }
      },
    ),
    { numRuns: 300 },
  );
});
