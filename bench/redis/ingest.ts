/** How many danmaku a second go into one Redis: by a node, by bare XADD, and as messages that nobody keeps. */
import { liveChannel, metaKey, streamKey } from "@danmakud/server/redis";
import { Redis } from "ioredis";
import type { Metrics } from "../harness/scenario.ts";
import { LatencyHistogram } from "../load/histogram.ts";
import { roomOf } from "../load/ingest-pool.ts";
import { LoadProcess } from "../load/load-client.ts";
import type { IngestReport, Order, Role } from "../load/messages.ts";
import { freePort } from "../load/ports.ts";
import { startFreshNode } from "../peers/danmakud-node.ts";
import { CpuWatch } from "./cpu.ts";
import type { Contestant, RedisLoad, RedisServer } from "./messages.ts";

/** Publishers watch their rooms; a node says so by this. */
const SUBSCRIBED_LIMIT_MS = 10_000;

export async function measureIngest(
  name: Contestant,
  server: RedisServer,
  load: RedisLoad,
): Promise<Metrics> {
  const redis = new Redis(server.port, "127.0.0.1");
  try {
    return name === "danmakud" ? await ofNode(redis, server, load) : await ofRedis(name, redis, server, load);
  } finally {
    redis.disconnect();
  }
}

async function ofNode(redis: Redis, server: RedisServer, load: RedisLoad): Promise<Metrics> {
  const port = await freePort();
  const flags = ["--redis", `redis://127.0.0.1:${server.port}`, "--threads", `${load.ingestThreads}`];
  const node = await startFreshNode({ port, flags: [...flags, "--retain", `${load.retain}`] });
  try {
    const { rooms, batch, contentBytes, window } = load;
    const { metrics, offsets } = await pump(
      { role: "ingest", port, rooms, batch, contentBytes, window },
      load,
      (pid) => new CpuWatch(node.pid, server.pid, { Load: pid }),
      () => untilSubscribed(redis, rooms),
    );
    process.kill(node.pid, "SIGKILL");
    await checkStreams(redis, offsets);
    return metrics;
  } finally {
    await node.stop();
  }
}

async function ofRedis(
  name: Contestant,
  redis: Redis,
  server: RedisServer,
  load: RedisLoad,
): Promise<Metrics> {
  const { rooms, batch, contentBytes, window, retain } = load;
  const kind = name === "raw-xadd" ? "xadd" : "publish";
  const options = { port: server.port, kind, rooms, batch, contentBytes, window, retain } as const;
  const { metrics, total } = await pump(
    { role: "redisIngest", ...options },
    load,
    (pid) => new CpuWatch(undefined, server.pid, { Load: pid }),
  );
  // Published is not written.
  if (kind === "publish") return { ...metrics, durablePerSecond: 0 };
  let written = 0;
  for (let room = 0; room < rooms; room++) written += await entriesAdded(redis, streamKey(roomOf(room)));
  if (written < total) throw new Error(`${total} entries were answered, ${written} were added`);
  return metrics;
}

/** A warm-up, the measurement, the rest of the answers. */
async function pump(
  role: Role,
  { warmUpSeconds, seconds }: RedisLoad,
  watchCpu: (pid: number) => CpuWatch,
  isReady?: () => Promise<void>,
): Promise<{ readonly metrics: Metrics; readonly offsets: readonly number[]; readonly total: number }> {
  const generator = new LoadProcess(role);
  try {
    await generator.next("ready");
    await isReady?.();
    const ask = async (order: Order): Promise<IngestReport> => {
      generator.tell(order);
      return (await generator.next("ingested")).report;
    };
    const warm = await ask({ order: "pump", seconds: warmUpSeconds });
    const cpu = watchCpu(generator.pid);
    const began = performance.now();
    const { counts, latency: text } = await ask({ order: "pump", seconds });
    const wall = (performance.now() - began) / 1000;
    const busy = cpu.end("ingest");
    const { ackedOffsets } = await ask({ order: "finish" });
    const latency = new LatencyHistogram();
    latency.addText(text);
    return {
      metrics: {
        acceptedPerSecond: counts.acked / wall,
        durablePerSecond: counts.acked / wall,
        refusedPerSecond: counts.refused / wall,
        ackP50Ms: latency.percentileMs(50),
        ackP99Ms: latency.percentileMs(99),
        ...busy,
      },
      offsets: ackedOffsets,
      total: warm.counts.acked + counts.acked,
    };
  } finally {
    await generator.stop();
  }
}

async function untilSubscribed(redis: Redis, rooms: number): Promise<void> {
  const deadline = performance.now() + SUBSCRIBED_LIMIT_MS;
  const channels = Array.from({ length: rooms }, (_, room) => liveChannel(roomOf(room)));
  for (;;) {
    const reply = (await redis.call("PUBSUB", "SHARDNUMSUB", ...channels)) as (string | number)[];
    if (reply.filter((_, at) => at % 2 === 1).every((count) => Number(count) > 0)) return;
    if (performance.now() > deadline) throw new Error("the node did not open its rooms");
    await Bun.sleep(20);
  }
}

/** Throws where a room's stream ends before what was acknowledged, or its offsets and entries do not agree. */
async function checkStreams(redis: Redis, ackedOffsets: readonly number[]): Promise<void> {
  for (const [room, acked] of ackedOffsets.entries()) {
    const name = roomOf(room);
    const head = Number(await redis.hget(metaKey(name), "head"));
    if (head < acked) throw new Error(`offset ${acked} of ${name} was acknowledged, its log ends at ${head}`);
    const added = await entriesAdded(redis, streamKey(name));
    if (added !== head) throw new Error(`${name} has given ${head} offsets and added ${added} entries`);
  }
}

async function entriesAdded(redis: Redis, key: string): Promise<number> {
  const info = (await redis.call("XINFO", "STREAM", key)) as (string | number)[];
  return Number(info[info.indexOf("entries-added") + 1]);
}
