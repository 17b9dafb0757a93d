import { summarise } from "./harness/rounds.ts";
import type { Metrics, Scenario } from "./harness/scenario.ts";
import { sharedMicros } from "./load/clock.ts";
import { cpuMicros } from "./load/cpu.ts";
import { LatencyHistogram } from "./load/histogram.ts";
import { LoadProcess } from "./load/load-client.ts";
import type { JoinReport, Order } from "./load/messages.ts";
import { freePort } from "./load/ports.ts";
import { SteadyPublisher } from "./load/steady-publisher.ts";
import { makeDataFolder, removeDataFolder, startNode } from "./peers/danmakud.ts";

const ROOM = "joins";
const STORM_LIMIT_MS = 120_000;
const RECOVERY_LIMIT_MS = 90_000;

/**
 * Storms. First, all viewers join at once, each with history, `--rounds` times. Then the node that holds them is killed
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
    { name: "concurrency", kind: "number", default: 200, help: "joins on the way at once" },
    { name: "rate", kind: "number", default: 50, help: "danmaku per second while the node is killed" },
  ],
  table: {
    params: ["viewers", "history"],
    metrics: [
      "joinsPerSecond",
      "joinsPerCpuSecond",
      "joinP50Ms",
      "joinP99Ms",
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
    const node = { port, data, durability: "fsync" } as const;
    let server = await startNode(node);
    const load = new LoadProcess({ role: "joins", port, room: ROOM, ...options });
    const publisher = new SteadyPublisher(port, ROOM);
    try {
      await load.next("ready");
      await publisher.fill(options.history * 2);
      const storms: Metrics[] = [];
      for (let round = 0; round < context.rounds; round++) {
        const metrics = await storm(load, server.pid, viewers);
        storms.push(metrics);
        context.say(`round ${round + 1}: ${Math.round(metrics.joinsPerSecond ?? 0)} joins per second`);
      }
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
      return [{ name: "danmakud", params: { ...options, rate: context.number("rate") }, metrics }];
    } finally {
      await publisher.stop();
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
