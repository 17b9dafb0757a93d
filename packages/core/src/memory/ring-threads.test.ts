/**
 * Rings between real threads. The only allowed outcome for a consumer: every entry committed while it was attached, in
 * order, once, whole, and unchanged until it is released. The forbidden ones are counted by the workers, by name.
 */
import { afterEach, describe, expect, test } from "bun:test";
import { Worker } from "node:worker_threads";
import { BroadcastProducer, createBroadcastRing, detachConsumer } from "./broadcast-ring.ts";
import { HeartbeatMonitor } from "./heartbeat-monitor.ts";
import { createHeartbeats, Heartbeats } from "./heartbeats.ts";
import { createIngressRing } from "./ingress-ring.ts";
import { ringState } from "./ring-state.ts";
import type { Part, Seen } from "./ring-threads.fixture.ts";
import { createSignals, Signal } from "./signal.ts";

const TIMEOUT_MS = 60_000;

interface Player<Result> {
  readonly worker: Worker;
  readonly ready: Promise<void>;
  readonly result: Promise<Result>;
}

const workers: Worker[] = [];
afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.terminate()));
});

function start<Result>(part: Part): Player<Result> {
  const worker = new Worker(new URL("./ring-threads.fixture.ts", import.meta.url), { workerData: part });
  workers.push(worker);
  const ready = Promise.withResolvers<void>();
  const result = Promise.withResolvers<Result>();
  worker.on("message", (message: "ready" | { result: Result }) => {
    if (message === "ready") ready.resolve();
    else result.resolve(message.result);
  });
  worker.on("error", (error) => {
    ready.reject(error);
    result.reject(error);
  });
  return { worker, ready: ready.promise, result: result.promise };
}

function stage(ring: SharedArrayBuffer, options: Partial<Part>): Part {
  const consumers = options.consumers ?? 1;
  return {
    role: "produce",
    ring,
    kind: "ingress",
    consumer: 0,
    records: 0,
    payloadBytesMax: 4000,
    signals: createSignals(1 + consumers),
    consumers,
    control: new SharedArrayBuffer(8),
    holdEvery: 0,
    heartbeats: createHeartbeats(1),
    ...options,
  };
}

/** Runs a producer against consumers of the given roles until all is read. */
async function perform(base: Part, roles: readonly Partial<Part>[]) {
  const consumers = roles.map((role, consumer) =>
    start<Seen>({ ...base, role: "consume", consumer, ...role }),
  );
  await Promise.all(consumers.map((consumer) => consumer.ready));
  const producer = start<number>(base);
  await producer.ready;
  Atomics.store(new Int32Array(base.control), 0, 1);
  const full = await producer.result;
  return { full, seen: await Promise.all(consumers.map((consumer) => consumer.result)) };
}

const ALL = (records: number): Seen => ({
  received: records,
  torn: 0,
  repeated: 0,
  skipped: 0,
  overwritten: 0,
  attached: 1,
  last: records - 1,
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
}

/** Positions from which the run crosses a wrap: of the signed 32-bit integers, of the unsigned ones, and neither. */
const STARTS: readonly (readonly [string, number])[] = [
  ["from 0", 0],
  ["across 2^31", 0x7fff_ff01],
  ["across 2^32", -3001],
];

describe.each(STARTS)("ingress ring %s", (_, startPosition) => {
  test(
    "thousands of rounds of records of 4 to 4000 bytes arrive whole, once and in order",
    async () => {
      const ring = createIngressRing(8192, startPosition);
      const records = 200_000;
      const { seen } = await perform(stage(ring, { records }), [{}]);
      expect(seen).toEqual([ALL(records)]);
      const words = (ringState(ring).position - startPosition) | 0;
      expect(words / 2048).toBeGreaterThan(5000);
    },
    TIMEOUT_MS,
  );
});

describe.each(STARTS)("broadcast ring %s", (_, startPosition) => {
  test(
    "every consumer gets every record, whole, once and in order; the slowest gates",
    async () => {
      const ring = createBroadcastRing(16384, 3, startPosition);
      const records = 60_000;
      const base = stage(ring, { records, kind: "broadcast", consumers: 3 });
      const { seen, full } = await perform(base, [{}, { holdEvery: 3000 }, {}]);
      expect(seen).toEqual([ALL(records), ALL(records), ALL(records)]);
      expect(full).toBeGreaterThan(0);
      expect(((ringState(ring).position - startPosition) | 0) / 4096).toBeGreaterThan(800);
    },
    TIMEOUT_MS,
  );
});

test(
  "a consumer that attaches and detaches all the time sees an unbroken stretch each time",
  async () => {
    const ring = createBroadcastRing(4096, 3);
    const records = 200_000;
    const base = stage(ring, { records, kind: "broadcast", consumers: 3, payloadBytesMax: 1000 });
    const { seen } = await perform(base, [{ role: "comeAndGo" }, {}, { role: "comeAndGo" }]);
    expect(seen[1]).toEqual(ALL(records));
    for (const guest of [seen[0]!, seen[2]!]) {
      expect(guest).toMatchObject({ torn: 0, repeated: 0, skipped: 0, overwritten: 0 });
      expect(guest.attached).toBeGreaterThan(10);
    }
  },
  TIMEOUT_MS,
);

test(
  "with nobody but passing consumers the producer never waits for long, and they never see a torn entry",
  async () => {
    const ring = createBroadcastRing(4096, 2);
    const base = stage(ring, { records: 200_000, kind: "broadcast", consumers: 2, payloadBytesMax: 1000 });
    const { seen } = await perform(base, [{ role: "comeAndGo" }, { role: "comeAndGo" }]);
    for (const guest of seen)
      expect(guest).toMatchObject({ torn: 0, repeated: 0, skipped: 0, overwritten: 0 });
  },
  TIMEOUT_MS,
);

test(
  "a dead consumer stalls the producer, is noticed, and is detached from outside",
  async () => {
    const ring = createBroadcastRing(4096, 2);
    const base = stage(ring, { kind: "broadcast", consumers: 2 });
    const dead = start({ ...base, role: "hold", consumer: 1 });
    await dead.ready;
    const producer = new BroadcastProducer(ring);
    while (producer.claim(100) >= 0) producer.commit();
    expect(ringState(ring).fill).toBeGreaterThan(0.9);
    const before = ringState(ring).consumers[1]!;
    expect(before.attached).toBe(true);
    expect(before.behindBytes).toBeGreaterThan(3600);
    await dead.worker.terminate();
    expect(producer.claim(100)).toBe(-1);
    detachConsumer(ring, 1);
    expect(producer.claim(100)).toBeGreaterThan(0);
    expect(ringState(ring).consumers[1]).toMatchObject({ attached: false, behindBytes: 0 });
  },
  TIMEOUT_MS,
);

test(
  "a thread in an endless loop is found by its silence, one that beats is not",
  async () => {
    const heartbeats = createHeartbeats(2);
    const part = stage(createIngressRing(1024), { role: "hang", heartbeats, consumer: 1 });
    const own = new Heartbeats(heartbeats);
    const monitor = new HeartbeatMonitor(own, { silentMsMax: 100, tickMsMax: 20 });
    own.starting(1);
    const hung = start(part);
    await hung.ready;
    expect(own.state(1)).toBe("running");
    let found: readonly number[] = [];
    await until(() => {
      own.beat(0);
      found = monitor.watch(performance.now());
      return found.length > 0;
    });
    expect(found).toEqual([1]);
  },
  TIMEOUT_MS,
);

test(
  "wake-ups are not lost: two threads that sleep without a timeout talk to the end",
  async () => {
    const records = 20_000;
    const base = stage(createIngressRing(1024), { records, role: "echo" });
    const other = start<number>(base);
    await other.ready;
    const control = new Int32Array(base.control);
    const own = new Signal(base.signals, 0);
    const far = new Signal(base.signals, 1);
    for (let n = 1; n <= records; n++) {
      Atomics.store(control, 0, n);
      far.wake();
      while (Atomics.load(control, 1) !== n) await own.sleep(() => Atomics.load(control, 1) !== n);
    }
    expect(await other.result).toBe(records);
  },
  TIMEOUT_MS,
);

test(
  "the bell of a thread that was terminated in its sleep works for its successor",
  async () => {
    const records = 100;
    const base = stage(createIngressRing(1024), { records, role: "echo" });
    const former = start<number>(base);
    await former.ready;
    const far = new Signal(base.signals, 1);
    await former.worker.terminate();
    const successor = start<number>(base);
    await successor.ready;
    const control = new Int32Array(base.control);
    const own = new Signal(base.signals, 0);
    for (let n = 1; n <= records; n++) {
      Atomics.store(control, 0, n);
      far.wake();
      while (Atomics.load(control, 1) !== n) await own.sleep(() => Atomics.load(control, 1) !== n);
    }
    expect(await successor.result).toBe(records);
  },
  TIMEOUT_MS,
);
