import { BATCH_RECORDS_MAX, FRAME_BYTES_MAX } from "@danmakud/wire";
import { UsageError } from "./harness/arguments.ts";
import { summarise } from "./harness/rounds.ts";
import type { Context, Metrics, Scenario } from "./harness/scenario.ts";
import { cpuMicros, threadMicros } from "./load/cpu.ts";
import { LatencyHistogram } from "./load/histogram.ts";
import { type IngestOptions, roomOf } from "./load/ingest-pool.ts";
import { LoadProcess } from "./load/load-client.ts";
import type { IngestReport } from "./load/messages.ts";
import { freePort } from "./load/ports.ts";
import { type Durability, makeDataFolder, removeDataFolder, startNode } from "./peers/danmakud-node.ts";

/** Layout of a TLV publish without key and extras, see docs/protocol.md. */
const PUBLISH_BYTES = 16;
const DURABILITIES: readonly string[] = ["fsync", "os", "none"];
/** The node's threads are its stages: each record passes through all three. */
const STAGES = ["gateway", "sequencer", "journal"];

/**
 * How many danmaku a node takes in: publishers send frames of many as fast as these are acknowledged. An acknowledgement
 * says that the danmaku is in the log as durably as configured. At the end of every round the node is killed (SIGKILL),
 * and what was acknowledged has to be there when it is started again.
 */
export const ingest: Scenario = {
  name: "ingest",
  summary: "danmaku accepted, sequenced and written to the log, from batching publishers",
  defaults: { seconds: 15, rounds: 3 },
  flags: [
    { name: "rooms", kind: "number", default: 16, help: "rooms, each with a publisher of its own" },
    { name: "batch", kind: "number", default: 1000, help: "danmaku per frame" },
    {
      name: "window",
      kind: "number",
      default: 4,
      help: "frames per publisher that wait for acknowledgements",
    },
    { name: "content-bytes", kind: "number", default: 24, help: "bytes of a danmaku's text" },
    { name: "durability", kind: "text", default: "fsync", help: "of the node: fsync, os or none" },
    { name: "warm-up", kind: "number", default: 2, help: "seconds of the load before each measurement" },
  ],
  async run(context) {
    const options = ingestOptions(context);
    const durability = context.text("durability");
    if (!DURABILITIES.includes(durability))
      throw new UsageError(`--durability is ${DURABILITIES.join(", ")}`);
    const taken: Metrics[] = [];
    for (let round = 0; round < context.rounds; round++) {
      const metrics = await measureRound(context, options, durability as Durability);
      taken.push(metrics);
      const [acked, late] = [metrics.durablePerSecond ?? 0, metrics.ackP99Ms ?? 0];
      context.say(
        `round ${round + 1}: ${Math.round(acked).toLocaleString("en-US")}/s, P99 ${late.toFixed(1)} ms`,
      );
    }
    const { port: _, ...params } = options;
    return [{ name: "embedded", params: { ...params, durability }, metrics: summarise(taken) }];
  },
};

function ingestOptions(context: Context): IngestOptions {
  const contentBytes = context.number("content-bytes");
  const stride = (PUBLISH_BYTES + contentBytes + 3) & ~3;
  const batch = Math.min(context.number("batch"), BATCH_RECORDS_MAX, Math.floor(FRAME_BYTES_MAX / stride));
  return { port: 0, rooms: context.number("rooms"), batch, contentBytes, window: context.number("window") };
}

async function measureRound(
  context: Context,
  options: IngestOptions,
  durability: Durability,
): Promise<Metrics> {
  const port = await freePort();
  const data = makeDataFolder();
  let server = await startNode({ port, data, durability });
  const load = new LoadProcess({ role: "ingest", ...options, port });
  try {
    await load.next("ready");
    const order = async (
      order: { order: "pump"; seconds: number } | { order: "finish" },
    ): Promise<IngestReport> => {
      load.tell(order);
      return (await load.next("ingested")).report;
    };
    await order({ order: "pump", seconds: context.number("warm-up") });
    const threads = threadMicros(server.pid);
    const serverCpu = cpuMicros([server.pid]);
    const loadCpu = cpuMicros([load.pid]);
    const began = performance.now();
    const report = await order({ order: "pump", seconds: context.seconds / context.rounds });
    const seconds = (performance.now() - began) / 1000;
    const serverMicros = cpuMicros([server.pid]) - serverCpu;
    const loadMicros = cpuMicros([load.pid]) - loadCpu;
    const stages = stageCosts(threads, threadMicros(server.pid), report.counts.acked, serverMicros);
    const final = await order({ order: "finish" });
    process.kill(server.pid, "SIGKILL");
    await server.stop();
    server = await startNode({ port, data, durability });
    if (durability !== "none") await checkLog(port, final.ackedOffsets);
    return { ...metricsOf(report, seconds, serverMicros, loadMicros), ...stages };
  } finally {
    await load.stop();
    await server.stop();
    removeDataFolder(data);
  }
}

function metricsOf(report: IngestReport, seconds: number, serverMicros: number, loadMicros: number): Metrics {
  const { sent, acked, refused, sequenced, skipped } = report.counts;
  const latency = new LatencyHistogram();
  latency.addText(report.latency);
  return {
    offeredPerSecond: sent / seconds,
    acceptedPerSecond: acked / seconds,
    // The publisher watches its room: each danmaku comes back with its offset, or is announced as left out.
    sequencedPerSecond: (sequenced + skipped) / seconds,
    durablePerSecond: acked / seconds,
    refusedPerSecond: refused / seconds,
    ackP50Ms: latency.percentileMs(50),
    ackP99Ms: latency.percentileMs(99),
    serverBusyRatio: serverMicros / 1e6 / seconds,
    loadBusyRatio: loadMicros / 1e6 / seconds,
    cpuNsPerRecord: (serverMicros * 1000) / acked,
  };
}

/** CPU per record of each stage, and of all else in the process (collector, compiler, main). */
function stageCosts(
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
  records: number,
  serverMicros: number,
): Metrics {
  const costs: Record<string, number> = {};
  let rest = serverMicros;
  for (const stage of STAGES) {
    let micros = 0;
    for (const [name, value] of after) if (name.startsWith(stage)) micros += value - (before.get(name) ?? 0);
    rest -= micros;
    costs[`${stage}CpuNsPerRecord`] = (micros * 1000) / records;
  }
  return { ...costs, otherCpuNsPerRecord: (Math.max(0, rest) * 1000) / records };
}

/** Throws where a room's log ends before what was acknowledged. */
async function checkLog(port: number, ackedOffsets: readonly number[]): Promise<void> {
  for (const [publisher, acked] of ackedOffsets.entries()) {
    const answer = await fetch(`http://127.0.0.1:${port}/v1/rooms/${roomOf(publisher)}/danmaku?last=1`);
    const page = (await answer.json()) as { danmaku: { offset: number }[] };
    const last = page.danmaku[0]?.offset ?? 0;
    if (last < acked)
      throw new Error(
        `offset ${acked} of room ${roomOf(publisher)} was acknowledged, the log ends at ${last}`,
      );
  }
}
