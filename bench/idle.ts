import { anonymousBytes } from "./connections/accounts.ts";
import { measureInTurns } from "./harness/rounds.ts";
import type { Context, Metrics, Scenario } from "./harness/scenario.ts";
import { cpuMicros, processTree } from "./load/cpu.ts";
import { freePort } from "./load/ports.ts";
import { type Load, RoomLoad } from "./load/session.ts";
import { bunPubsub } from "./peers/bun-pubsub.ts";
import { danmakudTarget } from "./peers/danmakud.ts";
import { startFreshNode } from "./peers/danmakud-node.ts";
import { startServer } from "./peers/server-process.ts";
import type { Server, Target } from "./peers/target.ts";

const IDLE_SERVER = new URL("./peers/idle-server.ts", import.meta.url).pathname;
/** With this time-out the runtime pings about as often as danmakud does. */
const BARE_IDLE_TIMEOUT_S = 40;
/** What a process compiles and collects once it has started is not what an empty one takes. */
const EMPTY_SETTLE_MS = 15_000;
/** Viewer counts go out within 5 s of the last join; then it is quiet. */
const SETTLE_MS = 6000;

interface Subject {
  readonly name: string;
  /** Who viewers are. */
  readonly face: Target;
  start(port: number): Promise<Server>;
}

/** What a connection costs with which nothing happens. */
export const idle: Scenario = {
  name: "idle",
  summary: "an idle connection: CPU per second for heartbeats and time-outs, and memory",
  about: `\`danmakud\`: viewers with a room, a cursor and all that a resume needs, pinged after 30 s of silence. \`bare\`: a Bun server
that accepts WebSockets and does nothing, with the runtime's own pings at about the same interval. CPU is user and system
time of the process over the stretch, kernel work for pings and their answers included, less what the same process used
without a connection (\`emptyMicrosPerSecond\`). Memory is what the process had more than before the first connection. CPU is
only comparable over at least 75 s, in which every connection was pinged at least twice (\`pingsPerConnection\`).`,
  defaults: { seconds: 35, rounds: 1 },
  flags: [
    { name: "count", kind: "number", default: 5000, help: "connections; a process has at most 19,000" },
    { name: "rooms", kind: "number", default: 100, help: "rooms that they are spread over" },
    { name: "empty-seconds", kind: "number", default: 20, help: "measured before the first connection" },
  ],
  table: {
    params: ["connections", "rooms", "seconds"],
    metrics: [
      "idleCpuMicrosPerSecond",
      "idleCpuWithProcessMicrosPerSecond",
      "emptyMicrosPerSecond",
      "pingsPerConnection",
      "userBytesPerConnection",
      "closedCount",
      "foreignBusyRatio",
    ],
  },
  run(context) {
    const rooms = context.number("rooms");
    const subjects: readonly Subject[] = [
      {
        name: "danmakud",
        face: danmakudTarget({}, { room: "idle", rooms }),
        start: (port) => startFreshNode({ port, flags: ["--threads", "1"] }),
      },
      {
        name: "bare",
        face: bunPubsub,
        start: (port) =>
          startServer({
            command: [process.execPath, IDLE_SERVER, `${port}`, `${BARE_IDLE_TIMEOUT_S}`],
            port,
          }),
      },
    ];
    return measureInTurns(
      context,
      subjects.map((subject) => ({
        name: subject.name,
        params: {
          connections: context.number("count"),
          rooms: subject.name === "bare" ? 0 : rooms,
          seconds: context.seconds / context.rounds,
        },
        measure: (seconds) => measureIdle(context, subject, seconds),
      })),
      { isFresh: true },
    );
  },
};

async function measureIdle(context: Context, subject: Subject, seconds: number): Promise<Metrics> {
  const count = context.number("count");
  const port = await freePort();
  const server = await subject.start(port);
  const load: Load = {
    viewers: count,
    ratePerSecond: 1,
    seconds,
    warmUpSeconds: 0,
    tickMicros: 1000,
    probes: 1,
    pauseMicros: 0,
    processes: 1,
  };
  try {
    await Bun.sleep(EMPTY_SETTLE_MS);
    const pids = processTree(server.pid);
    const emptySeconds = context.number("empty-seconds");
    const emptyCpu = cpuMicros(pids);
    await Bun.sleep(emptySeconds * 1000);
    const emptyPerSecond = (cpuMicros(pids) - emptyCpu) / emptySeconds;
    const emptyBytes = anonymousBytes(pids);
    const room = await RoomLoad.open(subject.face, load, { pid: server.pid, port });
    try {
      await Bun.sleep(SETTLE_MS);
      const measured = await room.rest(seconds);
      const perSecond = measured.serverCpuMicros / measured.wallSeconds;
      const metrics = {
        foreignBusyRatio: measured.foreignCpuMicros / 1e6 / measured.wallSeconds,
        connections: count,
        idleCpuMicrosPerSecond: (perSecond - emptyPerSecond) / count,
        idleCpuWithProcessMicrosPerSecond: perSecond / count,
        emptyMicrosPerSecond: emptyPerSecond,
        pingsPerConnection: measured.pings / count,
        userBytesPerConnection: (anonymousBytes(pids) - emptyBytes) / count,
        closedCount: measured.closedViewers,
      };
      context.say(
        `${subject.name}: ${metrics.idleCpuMicrosPerSecond.toFixed(2)} µs per second and connection`,
      );
      return metrics;
    } finally {
      await room.close();
    }
  } finally {
    await server.stop();
  }
}
