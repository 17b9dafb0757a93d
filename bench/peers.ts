import { availableParallelism } from "node:os";
import type { Context, Run, Scenario } from "./harness/scenario.ts";
import { type Chart, drawChart, type Panel } from "./load/chart.ts";
import { compare, loadFlags } from "./load/compare.ts";
import { LOAD_TABLE } from "./load/measured.ts";
import { parseRates } from "./load/rates.ts";

const LOSSY_BELOW_RATIO = 0.9999;

/**
 * Every system from idle to beyond saturation: latency and CPU against the offered rate. A system is left alone above the
 * first rate that it did not keep up with.
 */
export const peers: Scenario = {
  name: "peers",
  summary: "latency and CPU of every system against the offered rate, up to saturation",
  defaults: { seconds: 6, rounds: 2 },
  flags: [
    ...loadFlags({ viewers: 1000, systems: "all", probes: 50, pauseMicros: 500, gatherMs: "" }),
    {
      name: "rates",
      kind: "text",
      default: "10,100,500,1000,2000,4000,8000,16000,32000,64000",
      help: "danmaku per second, by commas, rising",
    },
    { name: "svg", kind: "text", default: "", help: "draw the curves into this file" },
  ],
  table: LOAD_TABLE,
  async run(context) {
    const runs = await compare(context, parseRates(context.text("rates")), true);
    const file = context.text("svg");
    if (file !== "") await Bun.write(file, drawChart(chartOf(context, runs)));
    return runs;
  },
};

function chartOf(context: Context, runs: readonly Run[]): Chart {
  const viewers = context.number("viewers");
  const missing = runs.filter((run) => run.params.missing !== undefined).map((run) => run.name);
  const names = [...new Set(runs.map((run) => run.name))].filter((name) => !missing.includes(name));
  const panel = (title: string, yLabel: string, metric: string): Panel => ({
    title,
    yLabel,
    series: names.map((name) => ({
      name,
      points: runs
        .filter((run) => run.name === name && (run.metrics[metric] ?? 0) > 0)
        .map((run) => ({
          x: Number(run.params.rate),
          y: run.metrics[metric] ?? 0,
          isLossy: (run.metrics.deliveredRatio ?? 1) < LOSSY_BELOW_RATIO,
        }))
        .toSorted((a, b) => a.x - b.x),
    })),
  });
  return {
    title: "Latency and CPU against the offered rate",
    subtitle: `One room, ${viewers.toLocaleString("en-US")} viewers, 64-byte danmaku; server and load generator share ${availableParallelism()} cores`,
    xLabel: "danmaku per second, offered",
    footnote:
      "Hollow: less than 99.99 % delivered. A line ends at the first rate its system did not keep up with." +
      (missing.length === 0 ? "" : ` Missing: ${missing.join(", ")}.`),
    panels: [
      panel("P99 from intended send to viewer", "ms", "latencyP99Ms"),
      panel("Server CPU", "cores busy", "serverBusyRatio"),
    ],
  };
}
