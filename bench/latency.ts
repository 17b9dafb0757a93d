import type { Scenario } from "./harness/scenario.ts";
import { compare, loadFlags } from "./load/compare.ts";
import { LOAD_TABLE } from "./load/measured.ts";
import { parseRates } from "./load/rates.ts";

/**
 * A busy room of medium size, where nothing is to be gained by waiting: how long from the moment at which a danmaku was to
 * be sent until its viewers have it. Viewers sleep until something comes, and no system gathers.
 */
export const latency: Scenario = {
  name: "latency",
  summary: "100 viewers, 3,500 danmaku per second: from intended send to viewer",
  defaults: { seconds: 15, rounds: 5 },
  flags: [
    ...loadFlags({ viewers: 100, systems: "all", probes: 20, pauseMicros: 0, gatherMs: "0" }),
    { name: "rates", kind: "text", default: "3500", help: "danmaku per second, by commas" },
  ],
  table: LOAD_TABLE,
  run: (context) => compare(context, parseRates(context.text("rates"))),
};
