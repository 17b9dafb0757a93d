/** Loads measured in turns, each on a fresh server. */
import { measureInTurns } from "../harness/rounds.ts";
import type { Context, Metrics, Run } from "../harness/scenario.ts";
import { BUSY_RATIO_MAX, countsOf, inWords, metricsOf } from "./measured.ts";
import type { Measured } from "./session.ts";

/** A load on a system. */
export interface LoadCell {
  readonly name: string;
  readonly params: Run["params"];
  /** Starts everything, measures for so long, stops everything. */
  measure(seconds: number): Promise<Taken>;
}

export interface Taken {
  readonly measured: Measured;
  /** What was measured beside it. */
  readonly metrics?: Metrics;
}

/** The cells as runs, in their order: medians of the rounds, and counts over all of them, which add up. */
export async function measureLoads(context: Context, cells: readonly LoadCell[]): Promise<Run[]> {
  const taken = cells.map((): Measured[] => []);
  const contestants = cells.map(({ name, params, measure }, at) => ({
    name,
    params,
    measure: async (seconds: number): Promise<Metrics> => {
      const { measured, metrics = {} } = await measure(seconds);
      taken[at]?.push(measured);
      const load = Object.entries(params).map(([key, value]) => `${key} ${value}`);
      context.say(`${name}, ${load.join(", ")}: ${inWords(measured)}`);
      return { ...metricsOf(measured), ...metrics };
    },
  }));
  const runs = await measureInTurns(context, contestants, { isFresh: true });
  return runs.map((run, at) => {
    const isBound = (run.metrics.loadBusyRatio ?? 0) > BUSY_RATIO_MAX;
    return {
      name: run.name,
      params: isBound ? { ...run.params, loadBound: true } : run.params,
      metrics: { ...run.metrics, ...countsOf(taken[at] ?? []) },
    };
  });
}
