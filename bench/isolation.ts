import type { Context, Metrics, Scenario } from "./harness/scenario.ts";
import { freePort } from "./load/ports.ts";
import { type Load, type Measured, RoomLoad } from "./load/session.ts";
import { measureLoads, type Taken } from "./load/turns.ts";
import { danmakudTarget } from "./peers/danmakud.ts";
import { startFreshNode } from "./peers/danmakud-node.ts";
import type { Server } from "./peers/target.ts";

/** The large room is saturated for so long before the small one is measured, and a while longer. */
const LEAD_SECONDS = 2;
const TAIL_SECONDS = 0.5;

const large = danmakudTarget({}, { room: "large" });
const small = danmakudTarget({}, { room: "small" });

/** Where the large room is while the small one is measured. */
type Place = "alone" | "other-node" | "same-thread";

/** A small room beside a huge one that gets more than can be sent. */
export const isolation: Scenario = {
  name: "isolation",
  summary: "latency of a 2-viewer room while a huge room on the same gateway thread is saturated",
  about: `\`alone\`: a node with the small room only. \`same-thread\`: the node's one gateway thread also has the large room, which is
offered more than can be sent (\`largeDeliveredRatio\`: what of it arrived; the rest was announced by gaps). \`other-node\`: the
large room is on another node, so what the small one loses there it loses to the machine, whose cores are all busy, and
not to the gateway. Latencies are those of the small room.`,
  defaults: { seconds: 4, rounds: 1 },
  flags: [
    { name: "viewers", kind: "number", default: 15_000, help: "viewers of the large room" },
    { name: "rate", kind: "number", default: 4000, help: "danmaku per second in the large room" },
    { name: "small-viewers", kind: "number", default: 2, help: "viewers of the small room" },
    { name: "small-rate", kind: "number", default: 100, help: "danmaku per second in the small room" },
  ],
  table: {
    params: ["smallViewers", "largeViewers", "largeRate"],
    metrics: [
      "latencyP50Ms",
      "latencyP99Ms",
      "latencyP999Ms",
      "latencyMaxMs",
      "deliveredRatio",
      "largeOfferedPerSecond",
      "largeDeliveriesPerSecond",
      "largeDeliveredRatio",
      "largeFramesPerSecond",
      "serverBusyRatio",
    ],
  },
  run: (context) =>
    measureLoads(
      context,
      (["alone", "other-node", "same-thread"] as const).map((place) => ({
        name: place,
        params: {
          smallViewers: context.number("small-viewers"),
          smallRate: context.number("small-rate"),
          largeViewers: place === "alone" ? 0 : context.number("viewers"),
          largeRate: place === "alone" ? 0 : context.number("rate"),
        },
        measure: (seconds) => measurePlace(context, place, seconds),
      })),
    ),
};

async function measurePlace(context: Context, place: Place, seconds: number): Promise<Taken> {
  const started: { stop(): Promise<void> }[] = [];
  const node = async (): Promise<Server & { readonly port: number }> => {
    const port = await freePort();
    const server = await startFreshNode({ port, flags: ["--threads", "1"] });
    started.push(server);
    return { ...server, port };
  };
  const open = async (target: typeof large, load: Load, on: Awaited<ReturnType<typeof node>>) => {
    const room = await RoomLoad.open(target, load, on);
    started.push({ stop: () => room.close() });
    return room;
  };
  try {
    const first = await node();
    const room = await open(small, smallLoad(context, seconds), first);
    if (place === "alone") return { measured: await room.run() };
    const crowd = await open(large, largeLoad(context), place === "same-thread" ? first : await node());
    const crowded = crowd.stretch(LEAD_SECONDS + seconds + TAIL_SECONDS);
    await Bun.sleep(LEAD_SECONDS * 1000);
    const measured = await room.stretch(seconds);
    return { measured, metrics: crowdMetrics(await crowded) };
  } finally {
    for (const one of started.reverse()) await one.stop();
  }
}

function smallLoad(context: Context, seconds: number): Load {
  return {
    viewers: context.number("small-viewers"),
    ratePerSecond: context.number("small-rate"),
    seconds,
    warmUpSeconds: 1,
    tickMicros: 1000,
    probes: context.number("small-viewers"),
    pauseMicros: 0,
    processes: 1,
  };
}

function largeLoad(context: Context): Load {
  return {
    viewers: context.number("viewers"),
    ratePerSecond: context.number("rate"),
    seconds: 0,
    warmUpSeconds: 0,
    tickMicros: 1000,
    probes: 1,
    pauseMicros: 500,
    processes: 1,
  };
}

function crowdMetrics(crowd: Measured): Metrics {
  return {
    largeOfferedPerSecond: crowd.offered / crowd.seconds,
    largeDeliveriesPerSecond: crowd.delivered / crowd.activeSeconds,
    largeDeliveredRatio: crowd.delivered / crowd.offered,
    largeSkippedRatio: crowd.skipped / crowd.offered,
    largeFramesPerSecond: crowd.frames / crowd.activeSeconds,
    largeLatencyP99Ms: crowd.latency.percentileMs(99),
  };
}
