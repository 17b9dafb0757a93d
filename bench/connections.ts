/** A great many connections on one machine: what each costs, and how live traffic fares among them. */
import { availableBytes, descriptorLimit } from "./connections/accounts.ts";
import { Fleet } from "./connections/fleet.ts";
import { ConnectionsLost, measureStep } from "./connections/measure.ts";
import { MemoryGuard, OutOfMemory } from "./connections/memory-guard.ts";
import { namespaceObstacle, runInNamespace } from "./connections/namespace.ts";
import { NODE_FLAGS, NodeFailure } from "./connections/node-process.ts";
import { makePlan, type Plan, roomsFor } from "./connections/plan.ts";
import { Reaper } from "./connections/reaper.ts";
import { type Details, formatConnectionsPage } from "./connections/report.ts";
import { checkSystem, checkTracking, settings } from "./connections/system.ts";
import { UsageError } from "./harness/arguments.ts";
import type { Context, Flag, Run, Scenario } from "./harness/scenario.ts";
import { parseRates } from "./load/rates.ts";

const MIB = 2 ** 20;
/** Traffic of the steps before the last. */
const STEP_HOLD_SECONDS = 10;
const HOLD_SECONDS = 15;
/** From so many connections on, the last step is held for long. */
const LARGE = 500_000;
const LARGE_HOLD_SECONDS = 300;
/** There, these rates are measured first: where the full one is too much, what was not. */
const LARGE_LOWER_RATES = "25,50";
const OTHER_HOLD_SECONDS = 45;
/** Traffic before it counts; many nodes compile for longer on the same cores. */
const WARM_UP_SECONDS = 8;
const LARGE_WARM_UP_SECONDS = 24;
/** Of what the nodes warned of, the newest. */
const WARNINGS_MAX = 20;
/** What is about to be needed, roughly; the run itself watches what is left. */
const CONNECTION_BYTES = 10_800;
const PAIR_BYTES = 55 * MIB;

const FLAGS: readonly Flag[] = [
  { name: "count", kind: "number", default: 20_000, help: "connections in the end" },
  {
    name: "rooms",
    kind: "number",
    default: 1000,
    help: "rooms in the end, over all nodes; each has 10 connections at least",
  },
  { name: "rate", kind: "number", default: 100, help: "danmaku per second in the end, over all rooms" },
  {
    name: "lower-rates",
    kind: "text",
    default: "auto",
    help: `rates to measure first at the last step, by commas; auto: ${LARGE_LOWER_RATES} from ${LARGE} connections on; none`,
  },
  {
    name: "hold-seconds",
    kind: "number",
    default: 0,
    help: `traffic at the last step; 0 = ${HOLD_SECONDS}, from ${LARGE} connections on ${LARGE_HOLD_SECONDS}`,
  },
  {
    name: "idle-seconds",
    kind: "number",
    default: 35,
    help: "idle stretch of each step; a connection is pinged about once in 35 s",
  },
  {
    name: "keep-mib",
    kind: "number",
    default: 1024,
    help: "memory to leave alone; the run ends before it is touched",
  },
  { name: "steps", kind: "text", default: "all", help: "all: measure on the way too; last: only at the end" },
  { name: "port", kind: "number", default: 19_900, help: "of all nodes, each on an address of its own" },
  { name: "report", kind: "text", default: "", help: "write a Markdown page about it to this file" },
  {
    name: "namespace",
    kind: "text",
    default: "auto",
    help: "auto: in a network namespace of its own, where we may make one; off",
  },
];

export const connections: Scenario = {
  name: "connections",
  summary: "very many viewers: memory and CPU of each, latency of live traffic among them",
  flags: FLAGS,
  table: {
    params: ["nodes"],
    metrics: [
      "userBytesPerConnection",
      "kernelBytesPerConnection",
      "clientBytesPerConnection",
      "connectsPerSecond",
      "idleCpuMicrosPerSecond",
      "deliveriesPerSecond",
      "deliveredRatio",
      "latencyP50Ms",
      "latencyP99Ms",
      "latencyP999Ms",
      "liveMachineBusyRatio",
      "availableMiB",
    ],
  },
  async run(context) {
    if (process.platform !== "linux") throw new Error("this benchmark reads /proc and so runs on Linux only");
    const obstacle = context.text("namespace") === "off" ? undefined : namespaceObstacle();
    if (obstacle !== undefined) context.say(`no network namespace: ${obstacle}`);
    const reaper = new Reaper();
    try {
      if (context.text("namespace") === "off" || obstacle !== undefined) return await run(context, reaper);
      const args = ["connections", ...argumentsOf(context, { namespace: "off" })];
      return await runInNamespace(args, context.number("count"), reaper);
    } finally {
      await reaper.finish();
    }
  },
};

/** The flags that are not as they are by default, `changed` ones included. */
function argumentsOf(context: Context, changed: Readonly<Record<string, string>> = {}): string[] {
  return FLAGS.flatMap(({ name, kind, default: fallback }) => {
    const value = changed[name] ?? String(kind === "number" ? context.number(name) : context.text(name));
    return value === String(fallback) ? [] : [`--${name}`, value];
  });
}

class Interrupted extends Error {}

async function run(context: Context, reaper: Reaper): Promise<readonly Run[]> {
  const count = context.number("count");
  const rooms = roomsFor(count, context.number("rooms"));
  checkSystem(count);
  const plan = makePlan({ count, rooms, descriptors: descriptorLimit(), steps: stepsFlag(context) });
  const needed = count * CONNECTION_BYTES + plan.nodes.length * PAIR_BYTES;
  context.say(
    `${count} connections to ${plan.nodes.length} nodes: some ${mib(needed)} MiB of ${mib(availableBytes())} available`,
  );
  for (const [name, value] of settings()) context.say(`${name} = ${value}`);
  const climb = new Climb(context, plan, rooms, reaper);
  const interrupted = Promise.withResolvers<never>();
  interrupted.promise.catch(() => {});
  const interrupt = (signal: string) => interrupted.reject(new Interrupted(`Ended by ${signal}`));
  // To the end of the process: a signal to a whole group comes twice, and the report is still to be written.
  process.on("SIGINT", interrupt).on("SIGTERM", interrupt);
  try {
    await Promise.race([climb.run(), interrupted.promise]);
  } catch (error) {
    if (!(error instanceof Interrupted) || climb.runs.length === 0) throw error;
    climb.stopped = error.message;
  } finally {
    climb.end();
  }
  const { runs, stopped } = climb;
  if (stopped !== undefined) context.say(stopped);
  const report = context.text("report");
  if (report !== "") await Bun.write(report, formatConnectionsPage(runs, climb.details()));
  return runs;
}

/** Rates of the last step before its own. */
function lowerRates(context: Context): readonly number[] {
  const text = context.text("lower-rates");
  if (text === "none" || (text === "auto" && context.number("count") < LARGE)) return [];
  return parseRates(text === "auto" ? LARGE_LOWER_RATES : text, "--lower-rates");
}

function stepsFlag(context: Context): "all" | "last" {
  const steps = context.text("steps");
  if (steps !== "all" && steps !== "last") throw new UsageError(`--steps is all or last, not "${steps}"`);
  return steps;
}

/** The steps of a run, one after another. */
class Climb {
  readonly runs: Run[] = [];
  /** Why it ended early. */
  stopped: string | undefined;
  readonly #context: Context;
  readonly #plan: Plan;
  readonly #rooms: number;
  readonly #guard: MemoryGuard;
  readonly #fleet: Fleet;
  #slab: Details["slab"] = [];
  readonly #settings = settings();

  constructor(context: Context, plan: Plan, rooms: number, reaper: Reaper) {
    this.#context = context;
    this.#plan = plan;
    this.#rooms = rooms;
    this.#guard = new MemoryGuard(context.number("keep-mib") * MIB);
    this.#fleet = new Fleet(plan, rooms, context.number("port"), reaper);
  }

  async run(): Promise<void> {
    try {
      await this.#fleet.start();
      for (let step = 0; step < this.#plan.steps.length && this.stopped === undefined; step++) {
        await this.#step(step);
      }
    } catch (error) {
      if (
        !(error instanceof OutOfMemory) &&
        !(error instanceof ConnectionsLost) &&
        !(error instanceof NodeFailure && this.runs.length > 0)
      )
        throw error;
      for (const warning of this.#fleet.warnings().slice(-WARNINGS_MAX)) this.#context.say(warning);
      this.stopped = `Ended at ${this.#fleet.connections} connections: ${error.message}`;
    }
  }

  details(): Details {
    const args = ["connections", ...argumentsOf(this.#context, { namespace: "auto" })];
    return { args, settings: this.#settings, slab: this.#slab, stopped: this.stopped };
  }

  end(): void {
    this.#guard.stop();
  }

  async #step(number: number): Promise<void> {
    const fleet = this.#fleet;
    const context = this.#context;
    const step = this.#plan.steps[number];
    if (step === undefined) return;
    const count = context.number("count");
    checkTracking(fleet.connections, step.connections);
    const holdSeconds =
      context.number("hold-seconds") || (count >= LARGE ? LARGE_HOLD_SECONDS : HOLD_SECONDS);
    const isLast = step === this.#plan.steps.at(-1);
    const rates = [...(isLast ? lowerRates(context) : []), context.number("rate")];
    const options = {
      idleSeconds: context.number("idle-seconds"),
      holdSeconds: isLast ? holdSeconds : STEP_HOLD_SECONDS,
      otherHoldSeconds: OTHER_HOLD_SECONDS,
      warmUpSeconds: step.connections >= LARGE ? LARGE_WARM_UP_SECONDS : WARM_UP_SECONDS,
      perRoomPerSecond: rates.map((rate) => rate / this.#rooms),
      onResult: (i: number, metrics: Run["metrics"]) => {
        const isMain = i === rates.length - 1;
        const danmakuPerSecond = ((rates[i] ?? 0) * fleet.rooms) / this.#rooms;
        const seconds = isMain ? options.holdSeconds : options.otherHoldSeconds;
        const { idleSeconds } = options;
        const params = {
          nodes: fleet.nodes,
          rooms: fleet.rooms,
          danmakuPerSecond,
          idleSeconds,
          holdSeconds: seconds,
          nodeFlags: NODE_FLAGS,
        };
        const name = `${fleet.connections}${isMain ? "" : `, ${danmakuPerSecond.toFixed(0)} danmaku/s`}`;
        const nodeWarningsCount = fleet.warnings().length;
        this.runs.push({ name, params, metrics: { ...metrics, nodeWarningsCount } });
        context.say(`${name}: ${summary(metrics)}`);
      },
      say: (line: string) => context.say(line),
    };
    await measureStep(fleet, step, this.#guard, options);
    this.#slab = fleet.slabGrowth();
    for (const warning of fleet.warnings().slice(-WARNINGS_MAX)) context.say(warning);
    fleet.check();
    if (fleet.connections < step.connections) {
      this.stopped = `Stopped at ${fleet.connections} of ${count} connections, as memory was low`;
    }
  }
}

function summary(metrics: Run["metrics"]): string {
  return Object.entries(metrics)
    .map(([name, value]) => `${name} ${Number(value.toPrecision(4))}`)
    .join(", ");
}

function mib(bytes: number): number {
  return Math.round(bytes / MIB);
}
