import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Context, Metrics, Scenario } from "./harness/scenario.ts";
import { GC_LOG_ON, type HeapHistory, readGcLog } from "./load/gc-log.ts";
import { freePort } from "./load/ports.ts";
import { parseRates } from "./load/rates.ts";
import { type Load, type Measured, RoomLoad } from "./load/session.ts";
import { type LoadCell, measureLoads, type Taken } from "./load/turns.ts";
import { bunTarget } from "./peers/bun-pubsub.ts";
import { danmakudTarget } from "./peers/danmakud.ts";
import type { Target } from "./peers/target.ts";

/** A system, and which of its heaps sends to viewers, in the order in which they are made. */
interface Subject {
  readonly name: string;
  target(errorFile: string): Target;
  readonly heap: number;
}

const SUBJECTS: readonly Subject[] = [
  {
    name: "danmakud",
    target: (errorFile) => danmakudTarget({ env: GC_LOG_ON, errorFile, flags: ["--threads", "1"] }),
    // main, journal, sequencer, gateway-0
    heap: 3,
  },
  {
    name: "bun-pubsub",
    target: (errorFile) => bunTarget("bun-pubsub", "publish", { env: GC_LOG_ON, errorFile }),
    heap: 0,
  },
];
/** Nearly nothing is published: what a heap with so many viewers allocates by itself. */
const IDLE_RATE = 1;
/** With fewer deliveries, growth per million of them says nothing. */
const DELIVERIES_MIN = 1e6;

/** What the thread that sends allocates while it does. */
export const allocation: Scenario = {
  name: "allocation",
  summary: "what the gateway thread allocates and collects while it delivers",
  about: `From the runtime's own log of collections (\`BUN_JSC_logGC=1\`) for the heap of the thread that sends: the gateway thread
of danmakud, the only one of the Bun program whose pub/sub stands beside it (which gathers 10 ms). What was allocated is what the
heap had before each collection beyond what the one before had left; a heap counts blocks of 16 KiB as allocated as soon as
it takes from them, so each collection adds up to a megabyte and a half, which the runs at 1 danmaku/s show by themselves.
\`framesAllocatedBytes\`: per frame sent, less the idle run's share. The smallest object there is has 16 bytes, so a figure
below means that no send makes one. \`heapGrowthPerMillionBytes\`: what collections left in the end beyond the
beginning, per million deliveries.`,
  defaults: { seconds: 6, rounds: 1 },
  flags: [
    { name: "viewers", kind: "number", default: 2000, help: "viewers of the one room" },
    { name: "rates", kind: "text", default: "500,2000", help: "danmaku per second, by commas" },
    { name: "warm-up", kind: "number", default: 4, help: "seconds of the load before each measurement" },
  ],
  table: {
    params: ["viewers", "rate"],
    metrics: [
      "deliveriesPerSecond",
      "framesPerSecond",
      "allocatedBytesPerSecond",
      "allocatedBytesPerDelivery",
      "framesAllocatedBytes",
      "heapGrowthPerMillionBytes",
      "heapKeptMiB",
      "collectionsPerSecond",
      "collectionMostMs",
      "collectingRatio",
      "foreignBusyRatio",
    ],
  },
  async run(context) {
    const rates = [IDLE_RATE, ...parseRates(context.text("rates"))];
    const cells = rates.flatMap((rate) =>
      SUBJECTS.map(
        (subject): LoadCell => ({
          name: subject.name,
          params: { viewers: context.number("viewers"), rate },
          measure: (seconds) => measureHeap(context, subject, rate, seconds),
        }),
      ),
    );
    const runs = await measureLoads(context, cells);
    return runs.map((run) => {
      const idle = runs.find((other) => other.name === run.name && other.params.rate === IDLE_RATE);
      const { allocatedBytesPerSecond = 0, framesPerSecond = 1 } = run.metrics;
      if (idle === undefined || idle === run) return run;
      const beyond = allocatedBytesPerSecond - (idle.metrics.allocatedBytesPerSecond ?? 0);
      return { ...run, metrics: { ...run.metrics, framesAllocatedBytes: beyond / framesPerSecond } };
    });
  },
};

async function measureHeap(
  context: Context,
  subject: Subject,
  rate: number,
  seconds: number,
): Promise<Taken> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), "danmakud-gc-"));
  const log = join(folder, "stderr");
  const load: Load = {
    viewers: context.number("viewers"),
    ratePerSecond: rate,
    seconds,
    warmUpSeconds: context.number("warm-up"),
    tickMicros: 1000,
    probes: 50,
    pauseMicros: 500,
    processes: 1,
  };
  const target = subject.target(log);
  const server = await target.start({ port });
  try {
    const room = await RoomLoad.open(target, load, { pid: server.pid, port });
    try {
      await room.stretch(load.warmUpSeconds);
      const before = heapOf(log, subject.heap);
      const measured = await room.stretch(seconds);
      return { measured, metrics: heapMetrics(before, heapOf(log, subject.heap), measured) };
    } finally {
      await room.close();
    }
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

function heapOf(log: string, number: number): HeapHistory {
  const heap = readGcLog(log)[number];
  if (heap === undefined) throw new Error(`the runtime wrote of no heap ${number}`);
  return heap;
}

function heapMetrics(before: HeapHistory, after: HeapHistory, measured: Measured): Metrics {
  const { wallSeconds, delivered } = measured;
  const allocated = after.allocatedBytes - before.allocatedBytes;
  return {
    allocatedBytesPerSecond: allocated / wallSeconds,
    allocatedBytesPerDelivery: allocated / Math.max(1, delivered),
    ...(delivered < DELIVERIES_MIN
      ? {}
      : { heapGrowthPerMillionBytes: ((after.keptBytes - before.keptBytes) * 1e6) / delivered }),
    heapKeptMiB: after.keptBytes / 2 ** 20,
    collectionsPerSecond: (after.collections - before.collections) / wallSeconds,
    collectionMostMs: after.pauseMsMax,
    collectingRatio: (after.pauseMs - before.pauseMs) / 1000 / wallSeconds,
  };
}
