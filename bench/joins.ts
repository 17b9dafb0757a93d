import { summarise } from "./harness/rounds.ts";
import type { Metrics, Scenario } from "./harness/scenario.ts";
import { sharedMicros } from "./load/clock.ts";
import { cpuMicros } from "./load/cpu.ts";
import { LatencyHistogram } from "./load/histogram.ts";
import { LoadProcess } from "./load/load-client.ts";
import type { JoinReport, Order } from "./load/messages.ts";
import { Onlookers } from "./load/onlookers.ts";
import { freePort } from "./load/ports.ts";
import { SteadyPublisher } from "./load/steady-publisher.ts";
import { makeDataFolder, removeDataFolder, startNode } from "./peers/danmakud-node.ts";

const ROOM = "joins";
const STORM_LIMIT_MS = 120_000;
/** From the order to the first connections: those of the last round are ended first. */
const STORM_BEGINS_MS = 600;
const RECOVERY_LIMIT_MS = 90_000;

/**
 * Storms. First, all viewers join at once, each with history, `--rounds` times, while others sit in a room of their own and
 * see a steady rate: their latency, before and during the storm, says what it costs those who are there. Then the node that holds them is killed
 * (SIGKILL) while danmaku are published, and started again at once: the viewers come back by themselves, each after a
 * random wait, and resume. Every viewer checks every offset; whoever misses one that was not announced, or sees one twice,
 * has not recovered. What was acknowledged before or after the kill has to be seen.
 */
export const joins: Scenario = {
  name: "joins",
  summary: "joins per second with history; a node killed under its viewers, and all of them back",
  defaults: { seconds: 1, rounds: 3 },
  flags: [
    { name: "viewers", kind: "number", default: 15_000, help: "viewers of the one room" },
    { name: "history", kind: "number", default: 50, help: "records that each asks for when it joins" },
    { name: "onlookers", kind: "number", default: 100, help: "viewers of another room, there all the time" },
    {
      name: "limits",
      kind: "text",
      default: "on",
      help: "on or off: whether the node bounds the rate of joins",
    },
    { name: "concurrency", kind: "number", default: 2000, help: "joins on the way at once" },
    { name: "rate", kind: "number", default: 50, help: "danmaku per second while the node is killed" },
  ],
  table: {
    params: ["viewers", "history", "limits"],
    metrics: [
      "joinsPerSecond",
      "joinsPerCpuSecond",
      "joinP50Ms",
      "joinP99Ms",
      "quietP99Ms",
      "onlookerP50Ms",
      "onlookerP99Ms",
      "recoveredRatio",
      "downMs",
      "recoveryMs",
      "acknowledgedLostCount",
      "holesCount",
      "twiceCount",
      "retriesCount",
    ],
  },
  async run(context) {
    const viewers = context.number("viewers");
    const options = {
      viewers,
      history: context.number("history"),
      concurrency: context.number("concurrency"),
    };
    const port = await freePort();
    const data = makeDataFolder();
    const limits = context.text("limits") === "off" ? "off" : "on";
    const node = { port, data, durability: "fsync", limits } as const;
    let server = await startNode(node);
    const load = new LoadProcess({ role: "joins", port, room: ROOM, ...options });
    const publisher = new SteadyPublisher(port, ROOM);
    const onlookers = new Onlookers(port, context.number("onlookers"));
    try {
      await onlookers.ready();
      await load.next("ready");
      await publisher.fill(options.history * 2);
      const storms: Metrics[] = [];
      for (let round = 0; round < context.rounds; round++) {
        const quietP99Ms = (await onlookers.watch()).percentileMs(99);
        const [metrics, seen] = await Promise.all([
          storm(load, server.pid, viewers),
          // By then the connections of the last round are gone, and those of this one come.
          Bun.sleep(STORM_BEGINS_MS).then(() => onlookers.watch()),
        ]);
        const onlooker = { onlookerP50Ms: seen.percentileMs(50), onlookerP99Ms: seen.percentileMs(99) };
        storms.push({ ...metrics, quietP99Ms, ...onlooker });
        context.say(`round ${round + 1}: ${Math.round(metrics.joinsPerSecond ?? 0)} joins per second`);
      }
      await onlookers.stop();
      publisher.run(context.number("rate"));
      await Bun.sleep(1000);
      const killedAt = sharedMicros();
      process.kill(server.pid, "SIGKILL");
      await server.stop();
      server = await startNode(node);
      const readyAt = sharedMicros();
      context.say(`killed; ready again after ${Math.round((readyAt - killedAt) / 1000)} ms`);
      await Bun.sleep(2000);
      await publisher.stop();
      const report = await tell(load, {
        order: "recover",
        head: publisher.lastOffset,
        limitMs: RECOVERY_LIMIT_MS,
      });
      const metrics = {
        ...summarise(storms),
        ...recovery(report, viewers, publisher.acknowledged),
        downMs: (readyAt - killedAt) / 1000,
        recoveryMs: (report.lastJoinMicros - killedAt) / 1000,
        rejoinsPerSecond: (report.counts.rejoined * 1e6) / (report.lastJoinMicros - readyAt),
      };
      return [{ name: "danmakud", params: { ...options, limits, rate: context.number("rate") }, metrics }];
    } finally {
      await publisher.stop();
      await onlookers.stop();
      await load.stop();
      await server.stop();
      removeDataFolder(data);
    }
  },
};

async function tell(load: LoadProcess, order: Order): Promise<JoinReport> {
  load.tell(order);
  return (await load.next("joined")).report;
}

async function storm(load: LoadProcess, pid: number, viewers: number): Promise<Metrics> {
  const cpu = cpuMicros([pid]);
  const loadCpu = cpuMicros([load.pid]);
  const { seconds, latency, counts } = await tell(load, { order: "storm", limitMs: STORM_LIMIT_MS });
  const serverMicros = cpuMicros([pid]) - cpu;
  const times = new LatencyHistogram();
  times.addText(latency);
  return {
    joinsPerSecond: viewers / seconds,
    joinsPerCpuSecond: (viewers * 1e6) / serverMicros,
    joinP50Ms: times.percentileMs(50),
    joinP99Ms: times.percentileMs(99),
    stormRetriesCount: counts.failed,
    serverBusyRatio: serverMicros / 1e6 / seconds,
    loadBusyRatio: (cpuMicros([load.pid]) - loadCpu) / 1e6 / seconds,
  };
}

function recovery(report: JoinReport, viewers: number, acknowledged: readonly number[]): Metrics {
  const seen = new Set(report.seen);
  const { rejoined, resumed, holes, twice, failed } = report.counts;
  return {
    recoveredRatio:
      rejoined >= viewers ? report.recovered / viewers : Math.min(report.recovered, rejoined) / viewers,
    resumedRatio: resumed / viewers,
    holesCount: holes,
    twiceCount: twice,
    retriesCount: failed,
    acknowledgedCount: acknowledged.length,
    acknowledgedLostCount: acknowledged.filter((offset) => !seen.has(offset)).length,
  };
}
