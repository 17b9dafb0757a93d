import type { Context, Metrics, Run } from "./scenario.ts";

/** A run to be measured: `measure` works for about so many seconds and returns the metrics of that stretch. */
export interface Contestant {
  readonly name: string;
  readonly params: Run["params"];
  measure(seconds: number): Promise<Metrics> | Metrics;
}

/** Middle value; the mean of the two middle ones for an even number. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[sorted.length >> 1] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[(sorted.length >> 1) - 1] ?? upper)) / 2;
}

/** Value below which `share` (0 to 1) of the sorted values lie. */
export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/**
 * Measures the contestants in turns, so that a disturbance of the machine hits all of them alike. One round before the
 * first is thrown away, unless they begin afresh each time (`isFresh`). A metric is the median of the rounds; `…SpreadRatio` beside it is (largest − smallest) / median,
 * 0 where the median is.
 */
export async function measureInTurns(
  context: Context,
  contestants: readonly Contestant[],
  { isFresh = false }: { readonly isFresh?: boolean } = {},
): Promise<Run[]> {
  const secondsEach = context.seconds / context.rounds;
  const taken = contestants.map((): Metrics[] => []);
  if (!isFresh) for (const contestant of contestants) await contestant.measure(Math.min(0.3, secondsEach));
  for (let round = 0; round < context.rounds; round++) {
    for (let turn = 0; turn < contestants.length; turn++) {
      // Another one begins each round: who comes second may find a warm or a tired machine.
      const at = (round + turn) % contestants.length;
      const contestant = contestants[at];
      if (contestant === undefined) continue;
      taken[at]?.push(await contestant.measure(secondsEach));
    }
    context.say(`round ${round + 1} of ${context.rounds}`);
  }
  return contestants.map(({ name, params }, at) => ({ name, params, metrics: summarise(taken[at] ?? []) }));
}

/** Median of each metric over the rounds, with its spread. */
export function summarise(rounds: readonly Metrics[]): Metrics {
  const metrics: Record<string, number> = {};
  for (const name of Object.keys(rounds[0] ?? {})) {
    const values = rounds.map((round) => round[name] ?? Number.NaN);
    const middle = median(values);
    metrics[name] = middle;
    if (values.length < 2) continue;
    const range = Math.max(...values) - Math.min(...values);
    metrics[`${name}SpreadRatio`] = range === 0 || middle === 0 ? 0 : range / Math.abs(middle);
  }
  return metrics;
}
