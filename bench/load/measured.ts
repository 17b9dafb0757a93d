/** What a measured load comes to, as metrics. */
import { median } from "../harness/rounds.ts";
import type { Metrics, Scenario } from "../harness/scenario.ts";
import type { Measured } from "./session.ts";

export const LOAD_TABLE: NonNullable<Scenario["table"]> = {
  params: ["rate", "latencyTargetMs", "gatherMs"],
  metrics: [
    "deliveriesPerSecond",
    "deliveredRatio",
    "framesPerSecond",
    "cpuMicrosPerDelivery",
    "socketWritesPerCpuSecond",
    "serverBusyRatio",
    "latencyP50Ms",
    "latencyP99Ms",
    "latencyP999Ms",
    "loadCpuMicrosPerDelivery",
    "loadBusyRatio",
    "foreignBusyRatio",
  ],
};

/** The generator had no time left: the figures are its own, not the system's. */
export const BUSY_RATIO_MAX = 0.95;

export function metricsOf(measured: Measured): Metrics {
  const { delivered, serverCpuMicros, activeSeconds, wallSeconds, latency } = measured;
  const perDelivery = 1 / Math.max(1, delivered);
  return {
    deliveriesPerSecond: delivered / activeSeconds,
    framesPerSecond: measured.frames / activeSeconds,
    cpuMicrosPerDelivery: serverCpuMicros * perDelivery,
    // One tick of the kernel's clock at least: an idle server used less than can be read.
    socketWritesPerCpuSecond: (measured.frames * 1e6) / Math.max(serverCpuMicros, 10_000),
    serverBusyRatio: serverCpuMicros / 1e6 / wallSeconds,
    latencyP50Ms: latency.percentileMs(50),
    latencyP99Ms: latency.percentileMs(99),
    latencyP999Ms: latency.percentileMs(99.9),
    latencyMaxMs: latency.percentileMs(100),
    deliveryBytes: measured.bytes * perDelivery,
    loadCpuMicrosPerDelivery: measured.loadCpuMicros * perDelivery,
    loadBusyRatio: measured.loadBusyRatio,
    foreignBusyRatio: measured.foreignCpuMicros / 1e6 / wallSeconds,
    publisherLateMs: measured.publisherLateMs,
  };
}

/** Over all rounds, so that they add up. */
export function countsOf(taken: readonly Measured[]): Metrics {
  const sum = (of: (one: Measured) => number): number => taken.reduce((total, one) => total + of(one), 0);
  const counts = {
    offeredCount: sum((one) => one.offered),
    deliveredCount: sum((one) => one.delivered),
    notDeliveredSkippedCount: sum((one) => one.skipped),
    notDeliveredRefusedCount: sum((one) => one.refused),
    notDeliveredUnsentCount: sum((one) => one.unsent),
    notDeliveredClosedCount: sum((one) => one.closed),
    notDeliveredLostCount: sum((one) => one.lost),
  };
  const { offeredCount, ...parts } = counts;
  const accounted = Object.values(parts).reduce((total, part) => total + part, 0);
  if (accounted !== offeredCount) throw new Error(`${offeredCount} offered, but ${accounted} accounted for`);
  return {
    offeredPerSecond: median(taken.map((one) => one.offeredPayloads / one.seconds)),
    deliveredRatio: counts.deliveredCount / offeredCount,
    ...counts,
    deliveredTwiceCount: sum((one) => one.twice),
    misorderedCount: sum((one) => one.misordered),
  };
}

/** For the person who waits. */
export function inWords(measured: Measured): string {
  const { serverCpuMicros, delivered, offered, latency, loadBusyRatio } = measured;
  return (
    `${(serverCpuMicros / delivered).toFixed(3)} µs per delivery, ` +
    `P50 ${latency.percentileMs(50).toFixed(1)} P99 ${latency.percentileMs(99).toFixed(1)} ms, ` +
    `${((100 * delivered) / offered).toFixed(2)} % delivered` +
    (loadBusyRatio > BUSY_RATIO_MAX ? "; the load generator was at its limit" : "")
  );
}

/** What a timer of whole milliseconds is late on average. */
const TIMER_LATE_MS = 0.5;

/** How long the bare loop has to gather to send as often as a measured system did, ms. */
export function gatherLike(measured: Measured, viewers: number): number {
  const framesPerSecond = measured.frames / measured.activeSeconds / viewers;
  const periodMs = 1000 / framesPerSecond - TIMER_LATE_MS;
  // Timers count whole milliseconds; below, the loop sends what comes when it comes.
  return periodMs < 1 ? 0 : Math.round(10 * periodMs) / 10;
}
