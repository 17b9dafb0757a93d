import type { Context, Metrics, Run, Scenario } from "./harness/scenario.ts";
import { MemoryWatch } from "./load/memory-watch.ts";
import { freePort } from "./load/ports.ts";
import { type Load, RoomLoad } from "./load/session.ts";
import { measureLoads, type Taken } from "./load/turns.ts";
import { danmakud } from "./peers/danmakud.ts";
import { startFreshNode } from "./peers/danmakud-node.ts";

const MIB = 2 ** 20;
const CLOSED_METRIC = /^danmakud_slow_closed_total\{[^}]*\} (\d+)$/gm;
const LOOK_MS = 500;
/** Runs without stalled viewers have nobody to wait for. */
const SHORT_SHARE = 1 / 3;

/** Viewers that read nothing, among others. */
export const stalled: Scenario = {
  name: "stalled",
  summary: "2,000 viewers of which 1,000 read nothing: the others' latency, memory, and what becomes of them",
  about: `\`stalled\`: half of the viewers join and then read nothing until everything is published. \`half\`: only those who read are
there. \`all\`: as many viewers as in the first run, and all of them read. Latencies are of viewers who read
(\`p99OfHalfRatio\`: against \`half\`). Memory is what the node's processes had more than when the load began, at most and in the
end, and the kernel's TCP buffers likewise, both ends of every connection of the machine. What was not delivered is there
by reason: \`skipped\` was announced by gaps, \`closed\` is what came after the server had closed the connection (4009, after
30 s without room in the socket; \`slowClosedFirstMs\` to \`slowClosedLastMs\` after the load began), \`lost\` has no reason.`,
  defaults: { seconds: 42, rounds: 1 },
  flags: [
    { name: "viewers", kind: "number", default: 2000, help: "viewers of the one room, half of them stalled" },
    { name: "rate", kind: "number", default: 1000, help: "danmaku per second" },
  ],
  table: {
    params: ["viewers", "stalled", "rate"],
    metrics: [
      "latencyP50Ms",
      "latencyP99Ms",
      "latencyP999Ms",
      "p99OfHalfRatio",
      "cpuMicrosPerDelivery",
      "userMostMiB",
      "userEndMiB",
      "kernelBuffersMostMiB",
      "kernelBuffersEndMiB",
      "slowClosedCount",
      "slowClosedFirstMs",
      "slowClosedLastMs",
      "notDeliveredSkippedCount",
      "notDeliveredClosedCount",
      "notDeliveredLostCount",
      "foreignBusyRatio",
    ],
  },
  async run(context) {
    const viewers = context.number("viewers");
    const half = Math.floor(viewers / 2);
    const cell = (name: string, all: number, some: number) => ({
      name,
      params: { viewers: all, stalled: some, rate: context.number("rate") },
      measure: (seconds: number) => measureStalled(context, all, some, seconds),
    });
    const runs = await measureLoads(context, [
      cell("half", viewers - half, 0),
      cell("stalled", viewers, half),
      cell("all", viewers, 0),
    ]);
    return withRatio(runs);
  },
};

async function measureStalled(
  context: Context,
  viewers: number,
  some: number,
  seconds: number,
): Promise<Taken> {
  const port = await freePort();
  const adminPort = await freePort();
  const load: Load = {
    viewers,
    ratePerSecond: context.number("rate"),
    seconds: some > 0 ? seconds : seconds * SHORT_SHARE,
    warmUpSeconds: 2,
    tickMicros: 1000,
    probes: 50,
    pauseMicros: 500,
    processes: 1,
    stalled: some,
  };
  const server = await startFreshNode({ port, adminPort });
  try {
    const room = await RoomLoad.open(danmakud, load, { pid: server.pid, port });
    try {
      await room.stretch(load.warmUpSeconds, false);
      const memory = new MemoryWatch(server.pid);
      const closing = new ClosingWatch(adminPort);
      const measured = await room.stretch(load.seconds);
      memory.stop();
      const closed = await closing.stop();
      const end = memory.now();
      const { start, most } = memory;
      const metrics = {
        userStartMiB: start.userBytes / MIB,
        userMostMiB: (most.userBytes - start.userBytes) / MIB,
        userEndMiB: (end.userBytes - start.userBytes) / MIB,
        kernelBuffersMostMiB: (most.bufferBytes - start.bufferBytes) / MIB,
        kernelBuffersEndMiB: (end.bufferBytes - start.bufferBytes) / MIB,
        closedViewersCount: measured.closedViewers,
        closeCodeSeenCount: measured.closedSlowViewers,
        ...closed,
      };
      return { measured, metrics };
    } finally {
      await room.close();
    }
  } finally {
    await server.stop();
  }
}

/** Watches the node's own count of viewers that it closed as too slow. */
class ClosingWatch {
  readonly #url: string;
  readonly #beganAt = performance.now();
  readonly #timer: ReturnType<typeof setInterval>;
  #closed = 0;
  #firstMs = 0;
  #lastMs = 0;

  constructor(adminPort: number) {
    this.#url = `http://127.0.0.1:${adminPort}/metrics`;
    this.#timer = setInterval(() => void this.#look(), LOOK_MS);
  }

  async stop(): Promise<Metrics> {
    clearInterval(this.#timer);
    await this.#look();
    return {
      slowClosedCount: this.#closed,
      slowClosedFirstMs: this.#firstMs,
      slowClosedLastMs: this.#lastMs,
    };
  }

  async #look(): Promise<void> {
    const text = await (await fetch(this.#url)).text();
    const closed = [...text.matchAll(CLOSED_METRIC)].reduce((sum, match) => sum + Number(match[1]), 0);
    if (closed <= this.#closed) return;
    const ms = performance.now() - this.#beganAt;
    if (this.#closed === 0) this.#firstMs = ms;
    this.#lastMs = ms;
    this.#closed = closed;
  }
}

function withRatio(runs: readonly Run[]): Run[] {
  const half = runs.find((run) => run.name === "half")?.metrics.latencyP99Ms ?? 0;
  return runs.map((run) => {
    if (run.name === "half" || half === 0) return run;
    return { ...run, metrics: { ...run.metrics, p99OfHalfRatio: (run.metrics.latencyP99Ms ?? 0) / half } };
  });
}
