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
/** Traffic before it counts, as shares of the full rate, one after another: each node compiles what it runs often. */
const WARM_UP_SHARES = [0.1, 0.25, 0.5, 1];
/** How long records that are on their way may take after the last was published. */
const DRAIN_MS_MAX = 60_000;
const DRAIN_LOOK_MS = 250;

export interface StepOptions {
  readonly idleSeconds: number;
  readonly holdSeconds: number;
  /** Of traffic that does not count yet. */
  readonly warmUpSeconds: number;
  /** Danmaku per second in one room; several are measured one after another, the last for `holdSeconds`. */
  readonly perRoomPerSecond: readonly number[];
  /** Traffic at each but the last of them. */
  readonly otherHoldSeconds: number;
  /** What was measured at the `i`-th rate; told at once, as it may not get to the next. */
  readonly onResult: (i: number, metrics: Readonly<Record<string, number>>) => void;
  /** Tells how far it is. */
  readonly say: (line: string) => void;
}

type Metrics = Record<string, number>;

/** Of the connections that were opened, this many have to be there still when traffic begins. */
const THERE_RATIO_MIN = 0.99;

/** Nodes have dropped connections: what is measured from here on would not be what was meant. */
export class ConnectionsLost extends Error {}

export async function measureStep(
  fleet: Fleet,
  step: Step,
  guard: MemoryGuard,
  options: StepOptions,
): Promise<void> {
  const { say, idleSeconds, holdSeconds } = options;
  say(`${step.perNode.length} nodes, to be filled with ${step.connections} connections`);
  await guard.during(fleet.startNodes(step.perNode.length));
  const climb = await guard.during(fleet.fill(step.perNode, guard));
  say(`${fleet.connections} are open after ${Math.round(climb.seconds)} s; idle for ${idleSeconds} s`);
  await guard.during(Bun.sleep(QUIET_MS));
  const idle = await guard.during(measureIdle(fleet, idleSeconds));
  const memory = measureMemory(fleet, guard);
  for (const [i, perRoom] of options.perRoomPerSecond.entries()) {
    const isLast = i === options.perRoomPerSecond.length - 1;
    const load: Load = {
      perSecond: perRoom * fleet.rooms,
      seconds: isLast ? holdSeconds : options.otherHoldSeconds,
      warmUpSeconds: options.warmUpSeconds,
    };
    say(`${load.perSecond.toFixed(1)} danmaku/s for ${load.seconds} s`);
    await checkThere(fleet);
    const live = await guard.during(measureLive(fleet, load));
    options.onResult(i, {
      connections: fleet.connections,
      ...memory,
      connectsPerSecond: climb.opened / climb.seconds,
      ...idle,
      ...live,
      availableMiB: availableBytes() / MIB,
      availableLeastMiB: guard.leastBytes / MIB,
    });
  }
}

async function checkThere(fleet: Fleet): Promise<void> {
  const { joined } = await fleet.counts();
  const viewers = fleet.connections - fleet.rooms;
  if (joined >= viewers * THERE_RATIO_MIN) return;
  throw new ConnectionsLost(`only ${joined} of ${viewers} viewers are still connected`);
}

/** Traffic in all rooms together. */
interface Load {
  readonly perSecond: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
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
async function measureLive(fleet: Fleet, { perSecond, seconds, warmUpSeconds }: Load): Promise<Metrics> {
  const closedBefore = (await fleet.counts()).closed;
  for (const share of WARM_UP_SHARES) {
    fleet.reset();
    const { sent } = await fleet.publisher.publish(perSecond * share, warmUpSeconds / WARM_UP_SHARES.length);
    await drained(fleet, offeredBy(fleet, sent));
  }
  fleet.reset();
  const before = readTimes(fleet);
  const { sent, lateness } = await fleet.publisher.publish(perSecond, seconds);
  const used = since(fleet, before);
  const offered = offeredBy(fleet, sent);
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
    publishedPerSecond: sent.reduce((sum, count) => sum + count, 0) / seconds,
    ackedRatio:
      published.acks /
      Math.max(
        1,
        sent.reduce((sum, count) => sum + count, 0),
      ),
    offeredPerSecond: offered / seconds,
    deliveriesPerSecond: counts.danmaku / seconds,
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

/** Deliveries that so many danmaku by room are worth. */
function offeredBy(fleet: Fleet, sent: readonly number[]): number {
  const viewers = fleet.viewersByRoom();
  return sent.reduce((sum, count, room) => sum + count * (viewers[room] ?? 0), 0);
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
