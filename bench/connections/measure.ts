/** Measures one step: the climb, an idle stretch, then live traffic. */
import { cpuMicros } from "../load/cpu.ts";
import { LatencyHistogram } from "../load/histogram.ts";
import { availableBytes, machineTimes } from "./accounts.ts";
import type { Fleet } from "./fleet.ts";
import type { MemoryGuard } from "./memory-guard.ts";
import type { Step } from "./plan.ts";

const MIB = 2 ** 20;
/** Viewer counts go out within 5 s of the last join; then it is quiet. */
const QUIET_MS = 6000;
/** How long records that are on their way may take after the last was published. */
const DRAIN_MS_MAX = 10_000;
const DRAIN_LOOK_MS = 250;

export interface StepOptions {
  readonly idleSeconds: number;
  readonly holdSeconds: number;
  /** Danmaku per second in one room. */
  readonly perRoomPerSecond: number;
}

type Metrics = Record<string, number>;

export async function measureStep(
  fleet: Fleet,
  step: Step,
  guard: MemoryGuard,
  options: StepOptions,
): Promise<Metrics> {
  await guard.during(fleet.startNodes(step.perNode.length));
  const climb = await guard.during(fleet.fill(step.perNode, guard));
  await guard.during(Bun.sleep(QUIET_MS));
  const idle = await guard.during(measureIdle(fleet, options.idleSeconds));
  const memory = measureMemory(fleet, guard);
  const live = await guard.during(measureLive(fleet, options));
  return {
    connections: fleet.connections,
    ...memory,
    connectsPerSecond: climb.opened / climb.seconds,
    ...idle,
    ...live,
    availableMiB: availableBytes() / MIB,
    availableLeastMiB: guard.leastBytes / MIB,
  };
}

function measureMemory(fleet: Fleet, guard: MemoryGuard): Metrics {
  const { connections } = fleet;
  const { nodes, clients, kernel, emptyNode, emptyClient } = fleet.memory();
  return {
    userBytesPerConnection: nodes / connections,
    kernelBytesPerConnection: kernel / connections,
    clientBytesPerConnection: clients / connections,
    machineBytesPerConnection: (guard.startBytes - availableBytes()) / connections,
    emptyNodeMiB: emptyNode / MIB,
    emptyClientMiB: emptyClient / MIB,
  };
}

/** Nothing is published: heartbeats and what never sleeps. */
async function measureIdle(fleet: Fleet, seconds: number): Promise<Metrics> {
  const { connections } = fleet;
  fleet.reset();
  const before = readTimes(fleet);
  await Bun.sleep(seconds * 1000);
  const used = since(fleet, before);
  const { pings } = await fleet.counts();
  const perSecond = connections * used.seconds;
  return {
    idleCpuMicrosPerSecond: Math.max(0, used.nodes - used.control * fleet.nodes) / perSecond,
    idleCpuWithNodesMicrosPerSecond: used.nodes / perSecond,
    idlePingsPerConnection: pings / connections,
    idleEmptyNodeMicrosPerSecond: used.control / used.seconds,
    idleMachineBusyRatio: used.machineRatio,
  };
}

/** Danmaku in all rooms, from the open loop of the publisher to the viewers. */
async function measureLive(fleet: Fleet, { holdSeconds, perRoomPerSecond }: StepOptions): Promise<Metrics> {
  const closedBefore = (await fleet.counts()).closed;
  fleet.reset();
  const before = readTimes(fleet);
  const { sent, lateness } = await fleet.publisher.publish(perRoomPerSecond * fleet.rooms, holdSeconds);
  const used = since(fleet, before);
  const viewers = fleet.viewersByRoom();
  const offered = sent.reduce((sum, count, room) => sum + count * (viewers[room] ?? 0), 0);
  const counts = await drained(fleet, offered);
  const published = await fleet.publisher.count();
  const latency = new LatencyHistogram();
  for (const text of await fleet.latencies()) latency.addText(text);
  const late = new LatencyHistogram();
  late.addText(lateness);
  const cores = navigator.hardwareConcurrency;
  return {
    latencyP50Ms: latency.percentileMs(50),
    latencyP99Ms: latency.percentileMs(99),
    latencyP999Ms: latency.percentileMs(99.9),
    latencyMaxMs: latency.percentileMs(100),
    latencySamplesCount: latency.count,
    publisherLateP99Ms: late.percentileMs(99),
    publishedPerSecond: sent.reduce((sum, count) => sum + count, 0) / holdSeconds,
    ackedRatio:
      published.acks /
      Math.max(
        1,
        sent.reduce((sum, count) => sum + count, 0),
      ),
    offeredPerSecond: offered / holdSeconds,
    deliveriesPerSecond: counts.danmaku / holdSeconds,
    deliveredRatio: counts.danmaku / Math.max(1, offered),
    skippedCount: counts.skipped,
    lostCount: offered - counts.danmaku - counts.skipped,
    holesCount: counts.holes,
    closedCount: counts.closed - closedBefore,
    liveNodesCpuRatio: used.nodes / used.seconds / 1e6 / cores,
    liveClientsCpuRatio: used.clients / used.seconds / 1e6 / cores,
    liveMachineBusyRatio: used.machineRatio,
  };
}

/** Waits until everything offered has come, for a while. */
async function drained(fleet: Fleet, offered: number) {
  const deadline = performance.now() + DRAIN_MS_MAX;
  for (;;) {
    const counts = await fleet.counts();
    if (counts.danmaku + counts.skipped >= offered || performance.now() > deadline) return counts;
    await Bun.sleep(DRAIN_LOOK_MS);
  }
}

function readTimes(fleet: Fleet) {
  return {
    at: performance.now(),
    nodes: cpuMicros(fleet.nodePids),
    control: cpuMicros([fleet.controlPid]),
    clients: cpuMicros(fleet.clientPids),
    machine: machineTimes(),
  };
}

function since(fleet: Fleet, before: ReturnType<typeof readTimes>) {
  const now = readTimes(fleet);
  return {
    seconds: (now.at - before.at) / 1000,
    nodes: now.nodes - before.nodes,
    control: now.control - before.control,
    clients: now.clients - before.clients,
    machineRatio:
      (now.machine.busy - before.machine.busy) / Math.max(1, now.machine.all - before.machine.all),
  };
}
