import { startRedis } from "./dispatch/redis.ts";
import { UsageError } from "./harness/arguments.ts";
import { summarise } from "./harness/rounds.ts";
import type { Context, Metrics, Run, Scenario } from "./harness/scenario.ts";
import { freePort } from "./load/ports.ts";
import { measureIngest } from "./redis/ingest.ts";
import { measureLatency } from "./redis/latency.ts";
import { CONTESTANTS, type Contestant, loadOf, type RedisLoad, type RedisServer } from "./redis/messages.ts";

/** `everysec` is what Redis itself recommends; rewriting the file is left to a quieter moment, for all alike. */
const FSYNCS = ["always", "everysec", "no"];
const PARTS = ["both", "ingest", "latency"];

/**
 * One Redis, and what it costs to go through danmakud: danmaku taken in and written, and the way from a publisher to 100
 * viewers. Beside it Redis without danmakud, by a generator that sends the same bytes over and over: XADD by pipelines
 * with XREAD BLOCK of every viewer, and plain PUBLISH and SUBSCRIBE, which keeps nothing. A fresh server each time.
 */
export const redis: Scenario = {
  name: "redis",
  summary:
    "one Redis as the log: danmaku written per second, and publisher to viewer, beside XADD and Pub/Sub",
  about: [
    "**ingest**: publishers send frames of many danmaku as fast as these are acknowledged, each into a room of its own. danmakud checks,",
    "numbers, writes and publishes each; at the end the node is killed (SIGKILL) and every stream must hold what was acknowledged.",
    "`raw-xadd` sends the same few bytes again and again (XADD with `MAXLEN ~`, ids by Redis), `pubsub` PUBLISH with one listener,",
    "which is never durable.",
    "",
    "**latency**: 100 viewers of one room. With danmakud they are WebSocket connections to a node of `latencyThreads` gateway threads;",
    "with `raw-xadd` each viewer reads the stream by XREAD BLOCK, with `pubsub` each has a SUBSCRIBE. `latency…Ms` is from the",
    "*intended* send to the viewer. `stageToLog…Ms` is from there to a witness that hears the node's channel in Redis:",
    "gateway → ingress ring → Redis thread → script → publish. What remains is answer → broadcast ring → window → send. Means of",
    "the parts: `stageBatchWait` (taken from the ring, until the batch before it is answered), `stageRoundTrip` (sent to Redis until",
    "its answer is read), `stageScript` (in the server, part of the round trip).",
    "",
    "`…BusyRatio`: cores used, of those that everything shares, the generator too. `…QueuedMeanMicros`: how long a thread that was",
    "ready to run waited for a core, each time, because others had them. A danmaku passes seven such waits on its way (publisher, gateway,",
    "Redis thread, Redis, Redis thread, gateway, viewers): on few cores the tail of the latencies is made of them.",
  ].join("\n"),
  defaults: { seconds: 15, rounds: 3 },
  flags: [
    { name: "part", kind: "text", default: "both", help: "both, ingest or latency" },
    { name: "systems", kind: "text", default: CONTESTANTS.join(","), help: "which, by commas" },
    { name: "rooms", kind: "number", default: 32, help: "ingest: rooms, each with a publisher of its own" },
    { name: "batch", kind: "number", default: 500, help: "ingest: danmaku per frame" },
    {
      name: "window",
      kind: "number",
      default: 2,
      help: "ingest: frames per publisher that wait for answers",
    },
    { name: "content-bytes", kind: "number", default: 24, help: "ingest: bytes of a danmaku's text" },
    { name: "retain", kind: "number", default: 10_000, help: "danmaku kept per room" },
    {
      name: "ingest-threads",
      kind: "number",
      default: 1,
      help: "ingest: gateway threads of the node (its default here)",
    },
    { name: "viewers", kind: "number", default: 100, help: "latency: viewers of the one room" },
    { name: "rate", kind: "number", default: 3500, help: "latency: danmaku per second" },
    { name: "probes", kind: "number", default: 20, help: "latency: viewers that time every danmaku" },
    {
      name: "tick-micros",
      kind: "number",
      default: 1000,
      help: "latency: what is due within a tick is sent as one batch",
    },
    { name: "latency-threads", kind: "number", default: 2, help: "latency: gateway threads of the node" },
    { name: "warm-up", kind: "number", default: 2, help: "seconds of each load before it is measured" },
    { name: "appendfsync", kind: "text", default: "everysec", help: `of Redis: ${FSYNCS.join(", ")}` },
  ],
  table: {
    params: ["appendfsync"],
    metrics: [
      ...["durablePerSecond", "acceptedPerSecond", "ackP50Ms", "ackP99Ms", "durableOfRawRatio"],
      ...[
        "ingestRedisBusyRatio",
        "ingestRedisThreadBusyRatio",
        "ingestGatewayBusyRatio",
        "ingestLoadBusyRatio",
      ],
      ...["deliveredRatio", "latencyP50Ms", "latencyP99Ms", "latencyP999Ms"],
      ...["stageToLogP50Ms", "stageToLogP99Ms", "stageBatchWaitMeanMicros", "stageRoundTripMeanMicros"],
      ...["stageScriptMeanMicros", "recordsPerBatchCount"],
      ...["latencyGatewayBusyRatio", "latencyRedisThreadBusyRatio", "latencyRedisBusyRatio"],
      ...["latencyViewersBusyRatio", "latencyPublisherBusyRatio"],
      ...["latencyGatewayQueuedMeanMicros", "latencyRedisThreadQueuedMeanMicros"],
      ...["latencyRedisQueuedMeanMicros", "latencyViewersQueuedMeanMicros"],
    ],
  },
  run: measure,
};

async function measure(context: Context): Promise<readonly Run[]> {
  if (Bun.which("redis-server") === null) throw new UsageError("redis-server is not installed");
  const appendfsync = oneOf("appendfsync", context.text("appendfsync"), FSYNCS);
  const part = oneOf("part", context.text("part"), PARTS);
  const names = context
    .text("systems")
    .split(",")
    .map((name) => oneOf("systems", name.trim(), CONTESTANTS));
  const load = loadOf(context);
  const taken = new Map<Contestant, Metrics[]>(names.map((name) => [name, []]));
  for (let round = 0; round < context.rounds; round++) {
    for (let turn = 0; turn < names.length; turn++) {
      // Another one begins each round.
      const name = names[(round + turn) % names.length] as Contestant;
      const metrics = {
        ...(part === "latency" ? {} : await withRedis(appendfsync, name, load, measureIngest)),
        ...(part === "ingest" ? {} : await withRedis(appendfsync, name, load, measureLatency)),
      };
      taken.get(name)?.push(metrics);
      context.say(`round ${round + 1}: ${name}: ${inWords(metrics)}`);
    }
  }
  const params = { ...load, appendonly: true, appendfsync, aofRewrite: false };
  return names.map((name) => {
    const rounds = taken.get(name) ?? [];
    return { name, params, metrics: { ...summarise(rounds), ...ratios(name, taken) } };
  });
}

/** By round, since the rounds differ more than the contestants do. */
function ratios(name: Contestant, taken: ReadonlyMap<Contestant, readonly Metrics[]>): Metrics {
  const [own, raw] = [taken.get(name) ?? [], taken.get("raw-xadd") ?? []];
  if (name !== "danmakud" || raw[0]?.durablePerSecond === undefined) return {};
  const each = own.map((metrics, round) => ({
    durableOfRawRatio: (metrics.durablePerSecond ?? 0) / (raw[round]?.durablePerSecond ?? Number.NaN),
  }));
  return summarise(each);
}

async function withRedis(
  appendfsync: string,
  name: Contestant,
  load: RedisLoad,
  measureOne: (name: Contestant, server: RedisServer, load: RedisLoad) => Promise<Metrics>,
): Promise<Metrics> {
  const port = await freePort();
  const settings = [
    "--appendonly",
    "yes",
    "--appendfsync",
    appendfsync,
    "--auto-aof-rewrite-percentage",
    "0",
  ];
  const server = await startRedis(port, settings);
  try {
    return await measureOne(name, { port, pid: server.pid }, load);
  } finally {
    await server.stop();
  }
}

function oneOf<const Value extends string>(flag: string, value: string, values: readonly Value[]): Value {
  const found = values.find((one) => one === value);
  if (found === undefined) throw new UsageError(`--${flag} is ${values.join(", ")}`);
  return found;
}

function inWords(metrics: Metrics): string {
  const { acceptedPerSecond, latencyP50Ms, latencyP99Ms, deliveredRatio } = metrics;
  const parts: string[] = [];
  if (acceptedPerSecond !== undefined)
    parts.push(`${Math.round(acceptedPerSecond).toLocaleString("en-US")}/s taken`);
  if (latencyP99Ms !== undefined) {
    parts.push(`P50 ${latencyP50Ms?.toFixed(2)} P99 ${latencyP99Ms.toFixed(2)} ms`);
    parts.push(`${((deliveredRatio ?? 0) * 100).toFixed(2)} % delivered`);
  }
  return parts.join(", ");
}
