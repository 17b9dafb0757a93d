/** A great many connections on one machine: what each costs, and how live traffic fares among them. */
import { availableBytes, descriptorLimit } from "./connections/accounts.ts";
import { Fleet } from "./connections/fleet.ts";
import { measureStep } from "./connections/measure.ts";
import { MemoryGuard, OutOfMemory } from "./connections/memory-guard.ts";
import { namespaceObstacle, runInNamespace } from "./connections/namespace.ts";
import { NODE_FLAGS } from "./connections/node-process.ts";
import { makePlan, type Plan } from "./connections/plan.ts";
import { Reaper } from "./connections/reaper.ts";
import { type Details, formatConnectionsPage } from "./connections/report.ts";
import { checkSystem, checkTracking, settings } from "./connections/system.ts";
import type { Context, Flag, Run, Scenario } from "./harness/scenario.ts";

const MIB = 2 ** 20;
/** Traffic of the steps before the last. */
const STEP_HOLD_SECONDS = 10;
const HOLD_SECONDS = 30;
/** From so many connections on, the last step is held for long. */
const LARGE = 500_000;
const LARGE_HOLD_SECONDS = 300;
/** Of what the nodes warned of, the newest. */
const WARNINGS_MAX = 20;
/** What is about to be needed, roughly; the run itself watches what is left. */
const CONNECTION_BYTES = 10_800;
const PAIR_BYTES = 55 * MIB;

const FLAGS: readonly Flag[] = [
  { name: "count", kind: "number", default: 20_000, help: "connections in the end" },
  { name: "rooms", kind: "number", default: 1000, help: "rooms in the end, over all nodes" },
  { name: "rate", kind: "number", default: 100, help: "danmaku per second in the end, over all rooms" },
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

async function run(context: Context, reaper: Reaper): Promise<readonly Run[]> {
  const count = context.number("count");
  const rooms = Math.min(context.number("rooms"), count);
  checkSystem(count);
  const plan = makePlan({ count, rooms, descriptors: descriptorLimit() });
  const needed = count * CONNECTION_BYTES + plan.nodes.length * PAIR_BYTES;
  context.say(
    `${count} connections to ${plan.nodes.length} nodes: some ${mib(needed)} MiB of ${mib(availableBytes())} available`,
  );
  for (const [name, value] of settings()) context.say(`${name} = ${value}`);
  const climb = new Climb(context, plan, rooms, reaper);
  const interrupted = Promise.withResolvers<never>();
  interrupted.promise.catch(() => {});
  const interrupt = (signal: string) => interrupted.reject(new Error(`ended by ${signal}`));
  process.once("SIGINT", interrupt).once("SIGTERM", interrupt);
  try {
    await Promise.race([climb.run(), interrupted.promise]);
  } finally {
    process.off("SIGINT", interrupt).off("SIGTERM", interrupt);
    climb.end();
  }
  const { runs, stopped } = climb;
  if (stopped !== undefined) context.say(stopped);
  const report = context.text("report");
  if (report !== "") await Bun.write(report, formatConnectionsPage(runs, climb.details()));
  return runs;
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
      if (!(error instanceof OutOfMemory)) throw error;
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
    const options = {
      idleSeconds: context.number("idle-seconds"),
      holdSeconds: step === this.#plan.steps.at(-1) ? holdSeconds : STEP_HOLD_SECONDS,
      perRoomPerSecond: context.number("rate") / this.#rooms,
    };
    const metrics = await measureStep(fleet, step, this.#guard, options);
    const params = {
      nodes: fleet.nodes,
      rooms: fleet.rooms,
      danmakuPerSecond: options.perRoomPerSecond * fleet.rooms,
      idleSeconds: options.idleSeconds,
      holdSeconds: options.holdSeconds,
      nodeFlags: NODE_FLAGS,
    };
    this.runs.push({ name: String(fleet.connections), params, metrics });
    this.#slab = fleet.slabGrowth();
    context.say(`${fleet.connections} connections: ${summary(metrics)}`);
    for (const warning of fleet.check().slice(-WARNINGS_MAX)) context.say(warning);
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
