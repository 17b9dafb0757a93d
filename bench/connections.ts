/** A great many connections on one machine: what each costs, and how live traffic fares among them. */
import { availableBytes, descriptorLimit } from "./connections/accounts.ts";
import { Fleet } from "./connections/fleet.ts";
import { measureStep } from "./connections/measure.ts";
import { MemoryGuard, OutOfMemory } from "./connections/memory-guard.ts";
import { NODE_FLAGS } from "./connections/node-process.ts";
import { makePlan } from "./connections/plan.ts";
import { Reaper } from "./connections/reaper.ts";
import { writeReport } from "./connections/report.ts";
import type { Context, Run, Scenario } from "./harness/scenario.ts";

const MIB = 2 ** 20;
/** Traffic of the steps before the last. */
const STEP_HOLD_SECONDS = 10;
const HOLD_SECONDS = 30;
/** From so many connections on, the last step is held for long. */
const LARGE = 500_000;
const LARGE_HOLD_SECONDS = 300;
/** Of what the nodes warned of, the newest. */
const WARNINGS_MAX = 20;

export const connections: Scenario = {
  name: "connections",
  summary: "very many viewers: memory and CPU of each, latency of live traffic among them",
  flags: [
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
      help: "idle stretch of each step; each connection is pinged about once in 35 s",
    },
    {
      name: "port",
      kind: "number",
      default: 7411,
      help: "of all nodes, each on a loopback address of its own",
    },
    { name: "report", kind: "text", default: "", help: "write a Markdown report to this file too" },
  ],
  run,
};

async function run(context: Context): Promise<readonly Run[]> {
  if (process.platform !== "linux") throw new Error("this benchmark reads /proc and so runs on Linux only");
  const count = context.number("count");
  const rooms = Math.min(context.number("rooms"), count);
  const plan = makePlan({ count, rooms, descriptors: descriptorLimit() });
  const holdSeconds = context.number("hold-seconds") || (count >= LARGE ? LARGE_HOLD_SECONDS : HOLD_SECONDS);
  context.say(
    `${count} connections to ${plan.nodes.length} nodes; ${Math.round(availableBytes() / MIB)} MiB of memory free`,
  );
  const runs: Run[] = [];
  let stopped: string | undefined;
  const reaper = new Reaper();
  const guard = new MemoryGuard();
  const interrupted = Promise.withResolvers<never>();
  interrupted.promise.catch(() => {});
  const interrupt = (signal: string) => interrupted.reject(new Error(`ended by ${signal}`));
  process.once("SIGINT", interrupt).once("SIGTERM", interrupt);
  try {
    const fleet = new Fleet(plan, rooms, context.number("port"), reaper);
    await Promise.race([fleet.start(), interrupted.promise]);
    for (const step of plan.steps) {
      const isLast = step === plan.steps.at(-1);
      const options = {
        idleSeconds: context.number("idle-seconds"),
        holdSeconds: isLast ? holdSeconds : STEP_HOLD_SECONDS,
        perRoomPerSecond: context.number("rate") / rooms,
      };
      const metrics = await Promise.race([measureStep(fleet, step, guard, options), interrupted.promise]);
      const params = {
        nodes: fleet.nodes,
        clients: fleet.nodes,
        rooms: fleet.rooms,
        danmakuPerSecond: options.perRoomPerSecond * fleet.rooms,
        idleSeconds: options.idleSeconds,
        holdSeconds: options.holdSeconds,
        nodeFlags: NODE_FLAGS,
      };
      runs.push({ name: String(fleet.connections), params, metrics });
      context.say(`${fleet.connections} connections: ${JSON.stringify(rounded(metrics))}`);
      for (const warning of fleet.check().slice(-WARNINGS_MAX)) context.say(warning);
      if (fleet.connections < step.connections) {
        stopped = `stopped at ${fleet.connections} of ${count} connections, as memory was low`;
        break;
      }
    }
  } catch (error) {
    if (!(error instanceof OutOfMemory)) throw error;
    stopped = `ended before ${plan.steps[runs.length]?.connections} connections: ${error.message}`;
  } finally {
    process.off("SIGINT", interrupt).off("SIGTERM", interrupt);
    guard.stop();
    await reaper.finish();
  }
  if (stopped !== undefined) context.say(stopped);
  const report = context.text("report");
  if (report !== "") await writeReport(report, { count, runs, stopped });
  return runs;
}

function rounded(metrics: Run["metrics"]): Record<string, number> {
  return Object.fromEntries(
    Object.entries(metrics).map(([name, value]) => [name, Number(value.toPrecision(4))]),
  );
}
