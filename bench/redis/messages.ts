/** What the parts of the scenario have in common. */
import type { Context } from "../harness/scenario.ts";

export const CONTESTANTS = ["danmakud", "raw-xadd", "pubsub"] as const;
export type Contestant = (typeof CONTESTANTS)[number];

/** A server of Redis that runs for one measurement. */
export interface RedisServer {
  readonly port: number;
  readonly pid: number;
}

export interface RedisLoad {
  readonly rooms: number;
  readonly batch: number;
  readonly window: number;
  readonly contentBytes: number;
  readonly retain: number;
  readonly viewers: number;
  readonly ratePerSecond: number;
  readonly probes: number;
  readonly tickMicros: number;
  readonly ingestThreads: number;
  readonly latencyThreads: number;
  readonly warmUpSeconds: number;
  /** Of each part. */
  readonly seconds: number;
}

export function loadOf(context: Context): RedisLoad {
  return {
    rooms: context.number("rooms"),
    batch: context.number("batch"),
    window: context.number("window"),
    contentBytes: context.number("content-bytes"),
    retain: context.number("retain"),
    viewers: context.number("viewers"),
    ratePerSecond: context.number("rate"),
    probes: context.number("probes"),
    tickMicros: context.number("tick-micros"),
    ingestThreads: context.number("ingest-threads"),
    latencyThreads: context.number("latency-threads"),
    warmUpSeconds: context.number("warm-up"),
    seconds: context.seconds / context.rounds,
  };
}
