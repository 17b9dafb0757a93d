import type { Scenario } from "./harness/scenario.ts";
import { compare, loadFlags } from "./load/compare.ts";
import { LOAD_TABLE } from "./load/measured.ts";
import { parseRates } from "./load/rates.ts";

/**
 * One large room. Every system gets the same payloads at the same rates; how many socket writes it makes of them is its
 * own affair, within a latency that viewers do not notice (P99 of 25 ms).
 */
export const fanout: Scenario = {
  name: "fanout",
  summary: "one room with very many viewers: CPU per delivery, latency, losses",
  defaults: { seconds: 9, rounds: 3 },
  flags: [
    ...loadFlags({
      viewers: 2000,
      systems: "all",
      probes: 50,
      pauseMicros: 500,
      gatherMs: "3,10",
      latencyTargetMs: "10,20,40",
    }),
    { name: "rates", kind: "text", default: "500,2000,4000", help: "danmaku per second, by commas" },
  ],
  table: {
    ...LOAD_TABLE,
    metrics: [...LOAD_TABLE.metrics, "socketWritesOfBaselineRatio", "cpuOfBestPeerRatio"],
  },
  run: (context) => compare(context, parseRates(context.text("rates"))),
};
