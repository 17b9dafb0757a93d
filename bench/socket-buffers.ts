import type { Context, Scenario } from "./harness/scenario.ts";
import { MemoryWatch } from "./load/memory-watch.ts";
import { freePort } from "./load/ports.ts";
import { parseRates } from "./load/rates.ts";
import { type Load, measure, RoomLoad } from "./load/session.ts";
import { type LoadCell, measureLoads, type Taken } from "./load/turns.ts";
import { danmakudTarget } from "./peers/danmakud.ts";

const KINDS = {
  bounded: danmakudTarget(),
  unbounded: danmakudTarget({ env: { DANMAKUD_SOCKET_BOUND: "off" } }),
} as const;
type Kind = keyof typeof KINDS;

/** Fills the buffers of a viewer that does not read with what the kernel takes by itself, some 4 MB, and more. */
const STALLED_RATE = 8000;
const STALLED_SECONDS = 7;

/** What it costs those who read that the kernel may not queue much for those who do not. */
export const socketBuffers: Scenario = {
  name: "socket-buffers",
  summary: "the bound on what the kernel queues per viewer: what fast viewers pay, what stalled ones take",
  about: `\`bounded\` is danmakud as it is: at most 64 KiB unsent per socket (\`TCP_NOTSENT_LOWAT\`). \`unbounded\` leaves sockets to the
kernel's own bounds (\`DANMAKUD_SOCKET_BOUND=off\`). Runs without stalled viewers show what viewers who read pay. Those with
some show what a viewer that reads nothing takes: the most that the node's processes and the kernel's TCP buffers (both ends
of the connection) grew by, per stalled viewer.`,
  defaults: { seconds: 4, rounds: 1 },
  flags: [
    { name: "viewers", kind: "number", default: 2000, help: "viewers of the one room, all of whom read" },
    { name: "rates", kind: "text", default: "500,2000", help: "danmaku per second, by commas" },
    {
      name: "stalled",
      kind: "number",
      default: 100,
      help: "viewers that read nothing, where memory is measured",
    },
    { name: "warm-up", kind: "number", default: 2, help: "seconds of the load before each measurement" },
  ],
  table: {
    params: ["viewers", "stalled", "rate"],
    metrics: [
      "cpuMicrosPerDelivery",
      "latencyP50Ms",
      "latencyP99Ms",
      "deliveredRatio",
      "framesPerSecond",
      "kernelBytesPerConnection",
      "userBytesPerConnection",
      "serverBusyRatio",
      "foreignBusyRatio",
    ],
  },
  run(context) {
    const kinds = Object.keys(KINDS) as Kind[];
    const cells: LoadCell[] = parseRates(context.text("rates")).flatMap((rate) =>
      kinds.map((kind) => {
        const viewers = context.number("viewers");
        return {
          name: kind,
          params: { viewers, stalled: 0, rate },
          measure: async (seconds) => ({
            measured: await measure(KINDS[kind], loadOf(context, viewers, rate, seconds)),
          }),
        };
      }),
    );
    const stalled = context.number("stalled");
    for (const kind of kinds) {
      cells.push({
        name: kind,
        params: { viewers: stalled, stalled, rate: STALLED_RATE },
        measure: () => measureStalled(context, kind, stalled),
      });
    }
    return measureLoads(context, cells);
  },
};

function loadOf(context: Context, viewers: number, rate: number, seconds: number): Load {
  return {
    viewers,
    ratePerSecond: rate,
    seconds,
    warmUpSeconds: context.number("warm-up"),
    tickMicros: 1000,
    probes: 50,
    pauseMicros: 500,
    processes: 1,
  };
}

async function measureStalled(context: Context, kind: Kind, stalled: number): Promise<Taken> {
  const port = await freePort();
  const load = { ...loadOf(context, stalled, STALLED_RATE, STALLED_SECONDS), stalled };
  const server = await KINDS[kind].start({ port });
  try {
    const room = await RoomLoad.open(KINDS[kind], load, { pid: server.pid, port });
    try {
      await room.stretch(load.warmUpSeconds, false);
      const memory = new MemoryWatch(server.pid);
      const measured = await room.stretch(load.seconds);
      memory.stop();
      const { start, most } = memory;
      const metrics = {
        kernelBytesPerConnection: (most.bufferBytes - start.bufferBytes) / stalled,
        userBytesPerConnection: (most.userBytes - start.userBytes) / stalled,
      };
      return { measured, metrics };
    } finally {
      await room.close();
    }
  } finally {
    await server.stop();
  }
}
