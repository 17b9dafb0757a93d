/** Systems against each other under the same loads, in interleaved rounds. */
import { median, summarise } from "../harness/rounds.ts";
import type { Context, Flag, Run } from "../harness/scenario.ts";
import { TARGETS, type Target, targetNamed } from "../peers/index.ts";
import { BUSY_RATIO_MAX, countsOf, gatherLike, inWords, metricsOf } from "./measured.ts";
import { type Load, type Measured, measure } from "./session.ts";

/** Flags that all comparing scenarios have. */
export function loadFlags(defaults: {
  readonly viewers: number;
  readonly systems: string;
  readonly probes: number;
  readonly pauseMicros: number;
  /** By commas; empty: each system's own. */
  readonly gatherMs: string;
  /** By commas; empty: the default. */
  readonly latencyTargetMs?: string;
}): readonly Flag[] {
  return [
    { name: "viewers", kind: "number", default: defaults.viewers, help: "viewers of the one room" },
    {
      name: "systems",
      kind: "text",
      default: defaults.systems,
      help: "which, by commas, or `all`; `baseline` is a bare send loop",
    },
    {
      name: "gather-ms",
      kind: "text",
      default: defaults.gatherMs,
      help: "for systems that leave batching to the program: gather for so long, each of several by commas; 0 = not at all, empty = each one's own",
    },
    {
      name: "latency-target-ms",
      kind: "text",
      default: defaults.latencyTargetMs ?? "",
      help: "danmakud's `--latency-target-ms`, each of several by commas; empty = its default",
    },
    { name: "warm-up", kind: "number", default: 5, help: "seconds of the load before each measurement" },
    { name: "probes", kind: "number", default: defaults.probes, help: "viewers that time every record" },
    {
      name: "pause-micros",
      kind: "number",
      default: defaults.pauseMicros,
      help: "pause of the viewers between looks, so that no write has to wake them; 0 = none",
    },
    {
      name: "tick-micros",
      kind: "number",
      default: 1000,
      help: "what is due within a tick is sent as one batch",
    },
    { name: "processes", kind: "number", default: 1, help: "processes that the viewers are spread over" },
  ];
}

interface Cell {
  readonly target: Target;
  readonly rate: number;
  readonly asked: Pace;
  /** The baseline's: danmakud, whose frames it repeats. */
  readonly follows?: Cell;
  readonly taken: Measured[];
  /** Of each round; the baseline's follows danmakud's. */
  readonly gatherMs: number[];
}

/** What a system is told about gathering, where it is told anything. */
interface Pace {
  readonly gatherMs?: number;
  readonly latencyTargetMs?: number;
}

/** Beyond it a system keeps up no longer: what it holds grows for as long as the load lasts. */
const SATURATED_P99_MS = 1000;
const SATURATED_DELIVERED_RATIO = 0.98;

/**
 * Runs every system at every rate; a system that cannot run here becomes a run that says why.
 * @param stopsSaturated leave out the rates above the first one that a system did not keep up with.
 */
export async function compare(
  context: Context,
  rates: readonly number[],
  stopsSaturated = false,
): Promise<Run[]> {
  const missing: Run[] = [];
  const targets: Target[] = [];
  for (const target of chosen(context.text("systems"))) {
    const why = await target.prepare();
    if (why === undefined) targets.push(target);
    else {
      context.say(`${target.name} is missing: ${why}`);
      missing.push({ name: target.name, params: { missing: why }, metrics: {} });
    }
  }
  const cells = rates.flatMap((rate) => cellsOf(context, targets, rate));
  for (let round = 0; round < context.rounds; round++) {
    for (const cell of rates.flatMap((rate) => inTurn(cells, rate, round))) {
      const isBeyond = stopsSaturated && cells.some((lower) => isSaturatedBelow(lower, cell));
      if (!isBeyond) await measureCell(context, cell, round);
    }
  }
  const done = cells.filter((cell) => cell.taken.length > 0);
  const runs = done.map((cell) => asRun(context, cell));
  return [...withRatios(runs, done), ...missing];
}

/** Whether the same system did not keep up with a lower rate. */
function isSaturatedBelow(lower: Cell, cell: Cell): boolean {
  const { gatherMs, latencyTargetMs } = (cell.follows ?? cell).asked;
  if (lower.target !== cell.target) return false;
  const asked = (lower.follows ?? lower).asked;
  if (asked.gatherMs !== gatherMs || asked.latencyTargetMs !== latencyTargetMs) return false;
  if (lower.rate >= cell.rate) return false;
  return lower.taken.some(
    ({ delivered, offered, latency }) =>
      delivered / offered < SATURATED_DELIVERED_RATIO || latency.percentileMs(99) > SATURATED_P99_MS,
  );
}

function chosen(names: string): readonly Target[] {
  return names === "all" ? TARGETS : names.split(",").map((name) => targetNamed(name.trim()));
}

/** A cell for each setting of each system, and a baseline for each of danmakud. */
function cellsOf(context: Context, targets: readonly Target[], rate: number): Cell[] {
  const cell = (target: Target, asked: Pace, follows?: Cell): Cell => ({
    target,
    rate,
    asked,
    ...(follows === undefined ? {} : { follows }),
    taken: [],
    gatherMs: [],
  });
  const baseline = targets.find(({ name }) => name === "baseline");
  const cells = targets
    .filter((target) => target !== baseline)
    .flatMap((target) => pacesOf(context, target).map((pace) => cell(target, pace)));
  if (baseline === undefined) return cells;
  const ours = cells.filter(isOurs);
  const loops = ours.map((own) => cell(baseline, {}, own));
  return [...cells, ...(loops.length > 0 ? loops : [cell(baseline, {})])];
}

function isOurs({ target }: Cell): boolean {
  return target.name === "danmakud";
}

function pacesOf(context: Context, target: Target): Pace[] {
  if (target.name === "danmakud") {
    const latencies = parseTimes("latency-target-ms", context.text("latency-target-ms"));
    return latencies.length === 0 ? [{}] : latencies.map((latencyTargetMs) => ({ latencyTargetMs }));
  }
  if (target.gatherMs === undefined) return [{}];
  const gathers = parseTimes("gather-ms", context.text("gather-ms"));
  return gathers.length === 0 ? [{ gatherMs: target.gatherMs }] : gathers.map((gatherMs) => ({ gatherMs }));
}

function parseTimes(flag: string, text: string): number[] {
  const times = text === "" ? [] : text.split(",").map(Number);
  if (!times.every((ms) => ms >= 0)) throw new Error(`--${flag}: ${text} are no times in ms`);
  return times;
}

/** Another system begins each round. The baseline keeps its place behind danmakud, whose frames it repeats. */
function inTurn(cells: readonly Cell[], rate: number, round: number): Cell[] {
  const group = cells.filter((cell) => cell.rate === rate);
  const leading = group.filter((cell) => cell.follows === undefined);
  const start = round % Math.max(1, leading.length);
  return [...leading.slice(start), ...leading.slice(0, start)].flatMap((cell) => [
    cell,
    ...group.filter((other) => other.follows === cell),
  ]);
}

async function measureCell(context: Context, cell: Cell, round: number): Promise<void> {
  const { target, rate } = cell;
  const { latencyTargetMs } = cell.asked;
  const gatherMs = gatherOf(context, cell);
  const load: Load = {
    viewers: context.number("viewers"),
    ratePerSecond: rate,
    seconds: context.seconds / context.rounds,
    warmUpSeconds: context.number("warm-up"),
    tickMicros: context.number("tick-micros"),
    probes: context.number("probes"),
    pauseMicros: context.number("pause-micros"),
    processes: context.number("processes"),
    ...(gatherMs === undefined ? {} : { gatherMs }),
    ...(latencyTargetMs === undefined ? {} : { latencyTargetMs }),
  };
  const measured = await measure(target, load);
  cell.taken.push(measured);
  cell.gatherMs.push(gatherMs ?? -1);
  const gathering = gatherMs === undefined ? "" : `, gathering ${gatherMs} ms,`;
  context.say(`round ${round + 1}: ${target.name}${gathering} at ${rate}/s: ${inWords(measured)}`);
}

/** What a system that gathers is told; undefined for one that paces itself. */
function gatherOf(context: Context, { target, asked, follows }: Cell): number | undefined {
  const followed = follows?.taken.at(-1);
  if (followed !== undefined) return gatherLike(followed, context.number("viewers"));
  return asked.gatherMs ?? (target.name === "baseline" ? target.gatherMs : undefined);
}

function asRun(context: Context, cell: Cell): Run {
  const { target, rate, taken, asked } = cell;
  const gatherMs = Math.round(10 * median(cell.gatherMs)) / 10;
  const metrics = { ...summarise(taken.map((one) => metricsOf(one))), ...countsOf(taken) };
  return {
    name: target.name,
    params: {
      rate,
      viewers: context.number("viewers"),
      payloadBytes: 64,
      ...(asked.latencyTargetMs === undefined ? {} : { latencyTargetMs: asked.latencyTargetMs }),
      ...(gatherMs < 0 ? {} : { gatherMs }),
      ...target.settings,
      warmUpSeconds: context.number("warm-up"),
      tickMicros: context.number("tick-micros"),
      pauseMicros: context.number("pause-micros"),
      ...((metrics.loadBusyRatio ?? 0) > BUSY_RATIO_MAX ? { loadBound: true } : {}),
    },
    metrics,
  };
}

/** Adds what is compared round by round, since the rounds differ more than the systems do. */
function withRatios(runs: readonly Run[], cells: readonly Cell[]): Run[] {
  return runs.map((run, at) => {
    const cell = cells[at];
    if (cell === undefined || !isOurs(cell)) return run;
    const others = cells.filter(
      (other) => other.rate === cell.rate && !isOurs(other) && other.taken.length === cell.taken.length,
    );
    const baseline = others.find((other) => other.follows === cell);
    const peers = atTheirBest(
      others.filter((other) => other.target.name !== "baseline"),
      medianP99Ms(cell),
    );
    const writes = (one: Measured): number => one.frames / one.serverCpuMicros;
    const ratio = (of: (one: Measured) => number, other: Cell): number =>
      median(cell.taken.map((one, round) => of(one) / of(other.taken[round] as Measured)));
    const extra: Record<string, number> = {};
    if (baseline !== undefined) extra.socketWritesOfBaselineRatio = ratio(writes, baseline);
    if (peers.length > 0) extra.cpuOfBestPeerRatio = Math.max(...peers.map((peer) => ratio(costOf, peer)));
    return { ...run, metrics: { ...run.metrics, ...extra } };
  });
}

/**
 * Each peer with its cheapest setting among those as prompt as asked for (P99 at most `FANOUT_P99_MS_MAX`), or no less
 * prompt than danmakud was where that took longer itself; with its promptest where none is. CPU can always be saved by
 * letting everybody wait.
 */
function atTheirBest(peers: readonly Cell[], ourP99Ms: number): Cell[] {
  const p99MsMax = Math.max(FANOUT_P99_MS_MAX, ourP99Ms);
  return [...Map.groupBy(peers, (cell) => cell.target).values()].map((settings) => {
    const cost = (cell: Cell): number => median(cell.taken.map(costOf));
    const prompt = settings.filter((cell) => medianP99Ms(cell) <= p99MsMax);
    if (prompt.length > 0) return prompt.toSorted((a, b) => cost(a) - cost(b))[0] as Cell;
    return settings.toSorted((a, b) => medianP99Ms(a) - medianP99Ms(b))[0] as Cell;
  });
}

/** Viewers of a large room notice nothing below it. */
const FANOUT_P99_MS_MAX = 25;

function costOf({ serverCpuMicros, delivered }: Measured): number {
  return serverCpuMicros / delivered;
}

function medianP99Ms({ taken }: Cell): number {
  return median(taken.map(({ latency }) => latency.percentileMs(99)));
}
