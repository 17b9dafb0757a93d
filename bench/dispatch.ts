import { Redis } from "ioredis";
import { type RawProcess, startRaw } from "./dispatch/raw-process.ts";
import { fillRooms, startRedis, writeEntries } from "./dispatch/redis.ts";
import { percentileMs, startWorker, type WorkerProcess } from "./dispatch/worker-process.ts";
import { UsageError } from "./harness/arguments.ts";
import { summarise } from "./harness/rounds.ts";
import type { Context, Metrics, Run, Scenario } from "./harness/scenario.ts";
import { cpuMicros } from "./load/cpu.ts";
import { LatencyHistogram } from "./load/histogram.ts";
import { freePort } from "./load/ports.ts";

/** Part of the backlog that is not measured: the programs get warm. */
const WARM_UP_SHARE = 0.15;
const WARM_UP_SECONDS = 3;
const PATIENCE_MS = 120_000;

/**
 * How fast a worker reads, archives and acknowledges: a backlog as fast as it can, then a steady stream, and how long
 * each entry takes from being read to being acknowledged. Beside it a bare loop of XREADGROUP and XACK in the same
 * rounds, which archives nothing. Every entry has to be in the archive at the end.
 */
export const dispatch: Scenario = {
  name: "dispatch",
  summary:
    "entries read, archived and acknowledged by one dispatch worker, beside a bare XREADGROUP and XACK loop",
  defaults: { seconds: 70, rounds: 7 },
  flags: [
    { name: "rooms", kind: "number", default: 32, help: "rooms that the entries are spread over" },
    { name: "entries", kind: "number", default: 400_000, help: "entries of the backlog" },
    { name: "rate", kind: "number", default: 10_000, help: "entries per second of the steady stream" },
    { name: "content-bytes", kind: "number", default: 24, help: "bytes of a danmaku's text" },
    { name: "fsync", kind: "text", default: "batch", help: "of the archive: batch, interval or none" },
  ],
  run: measure,
};

interface Load {
  readonly rooms: number;
  readonly entries: number;
  readonly rate: number;
  readonly content: string;
  readonly fsync: string;
  readonly seconds: number;
}

async function measure(context: Context): Promise<readonly Run[]> {
  if (Bun.which("redis-server") === null) throw new UsageError("redis-server is not installed");
  const load: Load = {
    rooms: context.number("rooms"),
    entries: context.number("entries"),
    rate: context.number("rate"),
    content: "x".repeat(context.number("content-bytes")),
    fsync: context.text("fsync"),
    seconds: context.seconds / context.rounds,
  };
  const taken: Record<"danmakud" | "raw", Metrics[]> = { danmakud: [], raw: [] };
  for (let round = 0; round < context.rounds; round++) {
    const order = round % 2 === 0 ? (["raw", "danmakud"] as const) : (["danmakud", "raw"] as const);
    for (const name of order) {
      const metrics = await measureRound(load, name === "raw" ? measureRaw : measureWorker);
      taken[name].push(metrics);
      const [rate = 0, late = 0] = [metrics.ackedPerSecond, metrics.readToAckP999Ms];
      context.say(
        `round ${round + 1}, ${name}: ${Math.round(rate).toLocaleString("en-US")}/s, P99.9 ${late} ms`,
      );
    }
  }
  const { content: _, seconds: __, ...params } = load;
  return (["danmakud", "raw"] as const).map((name) => ({ name, params, metrics: summarise(taken[name]) }));
}

type Measure = (load: Load, redis: Redis, port: number, redisPid: number) => Promise<Metrics>;

async function measureRound(load: Load, measureOne: Measure): Promise<Metrics> {
  const port = await freePort();
  const server = await startRedis(port);
  const redis = new Redis(port, "127.0.0.1");
  try {
    await fillRooms(redis, load.rooms, Math.ceil(load.entries / load.rooms), load.content);
    return await measureOne(load, redis, port, server.pid);
  } finally {
    redis.disconnect();
    await server.stop();
  }
}

async function measureWorker(load: Load, redis: Redis, port: number, redisPid: number): Promise<Metrics> {
  const backlog = Math.ceil(load.entries / load.rooms) * load.rooms;
  const throughput = await withWorker(load, port, async (worker) => {
    const begin = await untilAcked(worker.acked, backlog * WARM_UP_SHARE);
    const cpu = cpuMicros([worker.pid]);
    const redisCpu = cpuMicros([redisPid]);
    const end = await untilAcked(worker.acked, backlog);
    const acked = end.acked - begin.acked;
    const metrics = {
      ackedPerSecond: acked / ((end.atMs - begin.atMs) / 1000),
      workerCpuMicrosPerRecord: (cpuMicros([worker.pid]) - cpu) / acked,
      redisCpuMicrosPerRecord: (cpuMicros([redisPid]) - redisCpu) / acked,
    };
    return { metrics, written: backlog };
  });
  // Another worker, as for the baseline: this is about a steady stream, not about what a backlog leaves behind.
  await redis.flushall();
  await settleDisk();
  const latency = await withWorker(load, port, async (worker) => {
    const offsets = new Float64Array(load.rooms);
    const warmUp = await stream(redis, load, offsets, WARM_UP_SECONDS);
    await untilAcked(worker.acked, warmUp);
    const before = await worker.latency();
    const offered = await stream(redis, load, offsets, load.seconds);
    await untilAcked(worker.acked, warmUp + offered);
    const after = await worker.latency();
    const metrics = {
      offeredPerSecond: offered / load.seconds,
      readToAckP50Ms: percentileMs(before, after, 50),
      readToAckP99Ms: percentileMs(before, after, 99),
      readToAckP999Ms: percentileMs(before, after, 99.9),
    };
    return { metrics, written: warmUp + offered };
  });
  return { ...throughput, ...latency };
}

/** Has all that is still to be written and discarded done now: the backlog's archive was just removed. */
async function settleDisk(): Promise<void> {
  if (Bun.which("sync") !== null) await Bun.spawn(["sync"]).exited;
}

/** Throws where the archive does not hold what was written, and only that: nothing fails here that could repeat it. */
async function withWorker(
  load: Load,
  port: number,
  use: (worker: WorkerProcess) => Promise<{ readonly metrics: Metrics; readonly written: number }>,
): Promise<Metrics> {
  const worker = await startWorker(port, await freePort(), load.fsync);
  const result = await use(worker).catch(async (error) => {
    await worker.stop();
    throw error;
  });
  const lines = await worker.stop();
  if (lines !== result.written) {
    throw new Error(`${result.written} entries were written, the archive has ${lines} lines`);
  }
  return result.metrics;
}

async function measureRaw(load: Load, redis: Redis, port: number, redisPid: number): Promise<Metrics> {
  const backlog = Math.ceil(load.entries / load.rooms) * load.rooms;
  const throughput = await withRaw(
    startRaw(port, load.rooms, backlog, backlog * WARM_UP_SHARE),
    async (raw) => {
      await raw.next();
      const begin = await raw.next();
      const redisCpu = cpuMicros([redisPid]);
      const cpu = cpuMicros([raw.pid]);
      const end = await raw.next();
      const acked = end.acked - begin.acked;
      return {
        ackedPerSecond: acked / ((end.atMs - begin.atMs) / 1000),
        redisCpuMicrosPerRecord: (cpuMicros([redisPid]) - redisCpu) / acked,
        workerCpuMicrosPerRecord: (cpuMicros([raw.pid]) - cpu) / acked,
      };
    },
  );
  const offsets = new Float64Array(load.rooms).fill(backlog / load.rooms);
  const warmUp = load.rate * WARM_UP_SECONDS;
  const total = warmUp + Math.floor(load.rate * load.seconds);
  await redis.flushall();
  const late = await withRaw(startRaw(port, load.rooms, total, warmUp), async (raw) => {
    await raw.next();
    await stream(redis, load, offsets, total / load.rate + 0.01);
    await raw.next();
    return await raw.next();
  });
  const latency = new LatencyHistogram();
  latency.addText(late.latency);
  return {
    ...throughput,
    offeredPerSecond: load.rate,
    readToAckP50Ms: latency.percentileMs(50),
    readToAckP99Ms: latency.percentileMs(99),
    readToAckP999Ms: latency.percentileMs(99.9),
  };
}

async function withRaw<T>(raw: RawProcess, use: (raw: RawProcess) => Promise<T>): Promise<T> {
  try {
    return await use(raw);
  } finally {
    await raw.stop();
  }
}

/** Writes a steady stream, what is due every millisecond as one batch, whatever becomes of it. @returns how many. */
async function stream(redis: Redis, load: Load, offsets: Float64Array, seconds: number): Promise<number> {
  const began = performance.now();
  const total = Math.floor(load.rate * seconds);
  const underWay = new Set<Promise<void>>();
  for (let written = 0; written < total; ) {
    const due = Math.min(total, Math.floor(((performance.now() - began) / 1000) * load.rate) + 1);
    const rooms: number[] = [];
    for (; written < due; written++) rooms.push(written % load.rooms);
    if (rooms.length > 0) {
      const batch = writeEntries(redis, rooms, offsets, load.content);
      underWay.add(batch);
      batch.finally(() => underWay.delete(batch));
    }
    await Bun.sleep(1);
  }
  await Promise.all(underWay);
  return total;
}

async function untilAcked(
  ask: () => Promise<number>,
  wanted: number,
): Promise<{ acked: number; atMs: number }> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const acked = await ask();
    const atMs = performance.now();
    if (acked >= wanted) return { acked, atMs };
    if (atMs > deadline)
      throw new Error(`${acked} of ${wanted} entries were acknowledged in ${PATIENCE_MS} ms`);
    await Bun.sleep(20);
  }
}
