/** From the publisher to 100 viewers of one room, through Redis: by a node, by each viewer's XREAD, by SUBSCRIBE. */
import { Redis } from "ioredis";
import type { Metrics } from "../harness/scenario.ts";
import { LatencyHistogram } from "../load/histogram.ts";
import { LoadProcess } from "../load/load-client.ts";
import type { Role, ViewersReport } from "../load/messages.ts";
import { freePort } from "../load/ports.ts";
import type { RedisWay } from "../load/redis-messages.ts";
import { danmakud } from "../peers/danmakud.ts";
import { startFreshNode } from "../peers/danmakud-node.ts";
import { CpuWatch } from "./cpu.ts";
import type { Contestant, RedisLoad, RedisServer } from "./messages.ts";
import { readStages, type StageReading, stagesBetween } from "./stages.ts";

const CONNECT_LIMIT_MS = 15_000;
/** Nothing came for so long: nothing will. */
const QUIET_MS = 400;
const DRAIN_LIMIT_MS = 5_000;

export async function measureLatency(
  name: Contestant,
  server: RedisServer,
  load: RedisLoad,
): Promise<Metrics> {
  if (name === "danmakud") return await ofNode(server, load);
  const way = name === "raw-xadd" ? "xread" : "subscribe";
  const { viewers: count, probes } = load;
  return await run(
    load,
    server,
    { role: "redisViewers", port: server.port, way, count, probes },
    { role: "redisPublisher", port: server.port, way },
  );
}

async function ofNode(server: RedisServer, load: RedisLoad): Promise<Metrics> {
  const [port, adminPort] = [await freePort(), await freePort()];
  const flags = ["--redis", `redis://127.0.0.1:${server.port}`, "--threads", `${load.latencyThreads}`];
  const node = await startFreshNode({ port, adminPort, flags: [...flags, "--retain", `${load.retain}`] });
  const redis = new Redis(server.port, "127.0.0.1");
  try {
    const { viewers: count, probes } = load;
    const viewers: Role = {
      role: "viewers",
      system: danmakud.name,
      port,
      first: 0,
      count,
      probes,
      pauseMicros: 0,
      stalled: 0,
      connectLimitMs: CONNECT_LIMIT_MS,
    };
    return await run(
      load,
      server,
      viewers,
      { role: "publisher", system: danmakud.name, port },
      { pid: node.pid, look: () => readStages(redis, adminPort) },
    );
  } finally {
    redis.disconnect();
    await node.stop();
  }
}

/** A node that takes part, and its stages. */
interface Through {
  readonly pid: number;
  readonly look: () => Promise<StageReading>;
}

async function run(
  load: RedisLoad,
  server: RedisServer,
  viewersRole: Role,
  publisherRole: Role,
  node?: Through,
): Promise<Metrics> {
  const started: LoadProcess[] = [];
  const start = async (role: Role): Promise<LoadProcess> => {
    const process = new LoadProcess(role);
    started.push(process);
    await process.next("ready");
    return process;
  };
  try {
    const viewers = await start(viewersRole);
    const publisher = await start(publisherRole);
    // When the records of a node leave Redis: what is before that is one half of the way, what is behind it the other.
    const way: RedisWay = "live";
    const witness =
      node && (await start({ role: "redisViewers", port: server.port, way, count: 1, probes: 1 }));
    const session = new Session(load, viewers, publisher, witness);
    await session.stretch(load.warmUpSeconds);
    const before = await node?.look();
    const cpu = new CpuWatch(node?.pid, server.pid, { Viewers: viewers.pid, Publisher: publisher.pid });
    const metrics = await session.stretch(load.seconds);
    const busy = cpu.end("latency");
    const stages = before && node ? stagesBetween(before, await node.look()) : {};
    return { ...metrics, ...stages, ...busy };
  } finally {
    await Promise.all(started.map((process) => process.stop()));
  }
}

class Session {
  readonly #load: RedisLoad;
  readonly #viewers: LoadProcess;
  readonly #publisher: LoadProcess;
  readonly #witness: LoadProcess | undefined;
  #first = 0;

  constructor(
    load: RedisLoad,
    viewers: LoadProcess,
    publisher: LoadProcess,
    witness: LoadProcess | undefined,
  ) {
    this.#load = load;
    this.#viewers = viewers;
    this.#publisher = publisher;
    this.#witness = witness;
  }

  async stretch(seconds: number): Promise<Metrics> {
    const { ratePerSecond, tickMicros, viewers } = this.#load;
    const listeners = [this.#viewers, ...(this.#witness === undefined ? [] : [this.#witness])];
    for (const process of listeners) process.tell({ order: "reset", stalls: false });
    for (const process of listeners) await process.next("done");
    this.#publisher.tell({ order: "publish", ratePerSecond, seconds, tickMicros, first: this.#first });
    const { report: published } = await this.#publisher.next("published");
    this.#first += published.sent;
    const drain = { records: published.sent, quietMs: QUIET_MS, limitMs: DRAIN_LIMIT_MS } as const;
    for (const process of listeners) process.tell({ order: "drain", ...drain });
    const reports: ViewersReport[] = [];
    for (const process of listeners) reports.push((await process.next("viewers")).report);
    const [seen, witnessed] = reports as [ViewersReport, ViewersReport | undefined];
    const { counts, missing } = seen;
    if (missing.twice > 0 || counts.misordered > 0)
      throw new Error(`${missing.twice} came twice, ${counts.misordered} out of order`);
    const offered = published.offered * viewers;
    const latency = histogramOf(seen);
    return {
      offeredPerSecond: published.offered / seconds,
      deliveredRatio: counts.records / offered,
      offeredCount: offered,
      deliveredCount: counts.records,
      notDeliveredSkippedCount: counts.skipped,
      notDeliveredUnsentCount: (published.offered - published.sent) * viewers,
      notDeliveredClosedCount: missing.closed,
      notDeliveredLostCount: missing.lost,
      framesPerSecond: counts.frames / seconds,
      latencyP50Ms: latency.percentileMs(50),
      latencyP99Ms: latency.percentileMs(99),
      latencyP999Ms: latency.percentileMs(99.9),
      publisherLateMs: published.lateMicrosMax / 1000,
      ...(witnessed === undefined ? {} : halfWay(histogramOf(witnessed))),
    };
  }
}

/** What the witness saw. */
function halfWay(latency: LatencyHistogram): Metrics {
  return { stageToLogP50Ms: latency.percentileMs(50), stageToLogP99Ms: latency.percentileMs(99) };
}

function histogramOf({ latency: text }: ViewersReport): LatencyHistogram {
  const latency = new LatencyHistogram();
  latency.addText(text);
  return latency;
}
