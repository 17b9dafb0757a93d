import { availableParallelism } from "node:os";
import type { Context, Run, Scenario } from "./harness/scenario.ts";
import { type Chart, drawChart, type Series } from "./load/chart.ts";
import { gatherLike } from "./load/measured.ts";
import { parseRates } from "./load/rates.ts";
import { type Load, type Measured, measure } from "./load/session.ts";
import { type LoadCell, measureLoads } from "./load/turns.ts";
import { baseline } from "./peers/bun-pubsub.ts";
import { danmakudTarget } from "./peers/danmakud.ts";

const LOSSLESS_RATIO = 0.9999;

/** One large room and two small ones under every `--latency-target-ms`. */
export const pacing: Scenario = {
  name: "pacing",
  summary: "CPU per delivery and latency against the latency target, for a large room and for small ones",
  about: `Every run is a node of its own with another \`--latency-target-ms\` (20 by default). \`baseline\` is a bare send loop that
sends as many frames as danmakud did just before. Viewers of the large room look at their sockets every 0.5 ms, those of
the small rooms sleep until something comes. A small room goes out at once whatever the target.

![CPU per delivery and P99 against the latency target](pacing.svg)`,
  defaults: { seconds: 2, rounds: 1 },
  flags: [
    { name: "targets", kind: "text", default: "1,2,5,10,20,40", help: "latency targets, ms, by commas" },
    { name: "viewers", kind: "number", default: 2000, help: "viewers of the large room" },
    { name: "rate", kind: "number", default: 2000, help: "danmaku per second in the large room" },
    { name: "small", kind: "text", default: "2,50", help: "viewers of the small rooms, by commas" },
    { name: "small-rate", kind: "number", default: 200, help: "danmaku per second in a small room" },
    { name: "warm-up", kind: "number", default: 1, help: "seconds of the load before each measurement" },
    { name: "svg", kind: "text", default: "", help: "draw the curves into this file" },
  ],
  table: {
    params: ["viewers", "rate", "targetMs"],
    metrics: [
      "cpuMicrosPerDelivery",
      "latencyP50Ms",
      "latencyP99Ms",
      "latencyP999Ms",
      "framesPerSecond",
      "deliveredRatio",
      "serverBusyRatio",
      "loadBusyRatio",
      "foreignBusyRatio",
    ],
  },
  async run(context) {
    const targets = parseRates(context.text("targets"));
    const large = { viewers: context.number("viewers"), rate: context.number("rate"), pauseMicros: 500 };
    const cells = targets.flatMap((target) => pair(context, target, large));
    for (const viewers of parseRates(context.text("small"))) {
      const room = { viewers, rate: context.number("small-rate"), pauseMicros: 0 };
      // The least, the default's neighbour and the most show whether it changes anything.
      for (const target of new Set([targets[0], targets[targets.length >> 1], targets.at(-1)])) {
        if (target !== undefined) cells.push(ours(context, target, room));
      }
    }
    const runs = await measureLoads(context, cells);
    const file = context.text("svg");
    if (file !== "") await Bun.write(file, drawChart(chartOf(context, runs)));
    return runs;
  },
};

interface Room {
  readonly viewers: number;
  readonly rate: number;
  readonly pauseMicros: number;
}

function loadOf(context: Context, { viewers, rate, pauseMicros }: Room, seconds: number): Load {
  return {
    viewers,
    ratePerSecond: rate,
    seconds,
    warmUpSeconds: context.number("warm-up"),
    tickMicros: 1000,
    probes: 50,
    pauseMicros,
    processes: 1,
  };
}

/** danmakud with a target, and the bare loop at the pace that it turned out to have. */
function pair(context: Context, targetMs: number, room: Room): LoadCell[] {
  let last: Measured | undefined;
  const first = ours(context, targetMs, room, (measured) => {
    last = measured;
  });
  const measureLoop: LoadCell["measure"] = async (seconds) => {
    // Another cell begins each round, and that may be this one.
    last ??= (await first.measure(seconds)).measured;
    const load = { ...loadOf(context, room, seconds), gatherMs: gatherLike(last, room.viewers) };
    return { measured: await measure(baseline, load) };
  };
  return [first, { name: "baseline", params: first.params, measure: measureLoop }];
}

function ours(context: Context, targetMs: number, room: Room, seen?: (measured: Measured) => void): LoadCell {
  const target = danmakudTarget();
  return {
    name: "danmakud",
    params: { viewers: room.viewers, rate: room.rate, targetMs },
    measure: async (seconds) => {
      const measured = await measure(target, {
        ...loadOf(context, room, seconds),
        latencyTargetMs: targetMs,
      });
      seen?.(measured);
      return { measured };
    },
  };
}

function chartOf(context: Context, runs: readonly Run[]): Chart {
  const large = context.number("viewers");
  const series = (name: string, style: string, system: string, viewers: number, metric: string): Series => ({
    name,
    style,
    points: runs
      .filter((run) => run.name === system && run.params.viewers === viewers)
      .map((run) => ({
        x: Number(run.params.targetMs),
        y: run.metrics[metric] ?? 0,
        isLossy: (run.metrics.deliveredRatio ?? 1) < LOSSLESS_RATIO,
      }))
      .toSorted((a, b) => a.x - b.x),
  });
  const all = (viewers: number): string => `${viewers.toLocaleString("en-US")} viewers`;
  const small = parseRates(context.text("small"));
  const styles = ["bun-pubsub", "ws", "nchan"];
  return {
    title: "What gathering saves and costs",
    subtitle: `${all(large)} of one room, ${context.number("rate")} danmaku/s; server and load generator share ${availableParallelism()} cores`,
    xLabel: "latency target, ms",
    footnote: "Hollow: less than 99.99 % delivered. The bare loop sends as many frames as danmakud did.",
    panels: [
      {
        title: "Server CPU per delivery",
        yLabel: "µs",
        series: [
          series(all(large), "danmakud", "danmakud", large, "cpuMicrosPerDelivery"),
          series("bare send loop", "baseline", "baseline", large, "cpuMicrosPerDelivery"),
        ],
      },
      {
        title: "P99 from intended send to viewer",
        yLabel: "ms",
        series: [
          series(all(large), "danmakud", "danmakud", large, "latencyP99Ms"),
          ...small.map((viewers, i) =>
            series(all(viewers), styles[i % styles.length] as string, "danmakud", viewers, "latencyP99Ms"),
          ),
        ],
      },
    ],
  };
}
