/** Where the time between publisher and viewer goes: what node and Redis count of themselves. */
import type { Redis } from "ioredis";
import type { Metrics } from "../harness/scenario.ts";

export interface StageReading {
  readonly batches: number;
  readonly records: number;
  readonly waitSeconds: number;
  readonly roundTripSeconds: number;
  readonly scripts: number;
  readonly scriptMicros: number;
}

export async function readStages(redis: Redis, adminPort: number): Promise<StageReading> {
  const answer = await fetch(`http://127.0.0.1:${adminPort}/metrics`, { keepalive: false });
  const text = await answer.text();
  /** Over all threads. */
  const counter = (name: string): number => {
    let sum = 0;
    for (const [, value] of text.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, "gm")))
      sum += Number(value);
    return sum;
  };
  // cmdstat_evalsha:calls=1,usec=2,…
  const [, scripts = 0, scriptMicros = 0] =
    /cmdstat_evalsha:calls=(\d+),usec=(\d+)/.exec(await redis.info("commandstats")) ?? [];
  return {
    batches: counter("danmakud_commits_total"),
    records: counter("danmakud_committed_total"),
    waitSeconds: counter("danmakud_batch_wait_seconds_total"),
    roundTripSeconds: counter("danmakud_batch_round_trip_seconds_total"),
    scripts: Number(scripts),
    scriptMicros: Number(scriptMicros),
  };
}

/** Means over a stretch. The script's time is part of the round trip. */
export function stagesBetween(before: StageReading, after: StageReading): Metrics {
  const batches = Math.max(1, after.batches - before.batches);
  const scripts = Math.max(1, after.scripts - before.scripts);
  return {
    batchesCount: batches,
    recordsPerBatchCount: (after.records - before.records) / batches,
    stageBatchWaitMeanMicros: ((after.waitSeconds - before.waitSeconds) * 1e6) / batches,
    stageRoundTripMeanMicros: ((after.roundTripSeconds - before.roundTripSeconds) * 1e6) / batches,
    stageScriptMeanMicros: (after.scriptMicros - before.scriptMicros) / scripts,
  };
}
