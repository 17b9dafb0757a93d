/** A dispatch worker as users run it, and what its metrics say. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { startServer } from "../peers/server-process.ts";

const COMMAND = resolve(import.meta.dir, "../../scripts/danmakud");
const LATENCY = "danmakud_dispatch_read_to_ack_seconds_bucket";

export interface WorkerProcess {
  readonly pid: number;
  acked(): Promise<number>;
  /** Entries by the time from reading to acknowledging: upper bound in ms → how many took at most so long. */
  latency(): Promise<ReadonlyMap<number, number>>;
  /** Ends it and gives the number of lines in its archive. */
  stop(): Promise<number>;
}

export async function startWorker(
  redisPort: number,
  adminPort: number,
  fsync: string,
): Promise<WorkerProcess> {
  const folder = mkdtempSync(join(tmpdir(), "danmakud-bench-archive-"));
  const metrics = async (): Promise<string> =>
    await (await fetch(`http://127.0.0.1:${adminPort}/metrics`, { keepalive: false })).text();
  const server = await startServer({
    command: [
      "sh",
      COMMAND,
      "dispatch",
      ...["--redis", `redis://127.0.0.1:${redisPort}`, "--sink", `archive:${folder}`],
      ...["--archive-fsync", fsync, "--admin-listen", `127.0.0.1:${adminPort}`],
    ],
    port: adminPort,
  });
  return {
    pid: server.pid,
    acked: async () => Number(/^danmakud_dispatch_acked_total (\d+)/m.exec(await metrics())?.[1] ?? 0),
    latency: async () => {
      const buckets = new Map<number, number>();
      for (const [, bound, count] of (await metrics()).matchAll(
        new RegExp(`^${LATENCY}\\{le="([^"]+)"\\} (\\d+)`, "gm"),
      )) {
        buckets.set(bound === "+Inf" ? Number.POSITIVE_INFINITY : Number(bound) * 1000, Number(count));
      }
      return buckets;
    },
    stop: async () => {
      await server.stop();
      const lines = countLines(folder);
      rmSync(folder, { recursive: true, force: true });
      return lines;
    },
  };
}

function countLines(folder: string): number {
  let lines = 0;
  for (const name of readdirSync(folder)) {
    if (!name.endsWith(".jsonl")) continue;
    for (const byte of readFileSync(join(folder, name))) if (byte === 0x0a) lines++;
  }
  return lines;
}

/** The bound below which a share of what came between two looks lies: the percentile, rounded up to its bucket. */
export function percentileMs(
  before: ReadonlyMap<number, number>,
  after: ReadonlyMap<number, number>,
  percent: number,
): number {
  const counted = (bound: number): number => (after.get(bound) ?? 0) - (before.get(bound) ?? 0);
  const wanted = (counted(Number.POSITIVE_INFINITY) * percent) / 100;
  for (const bound of [...after.keys()].sort((a, b) => a - b)) if (counted(bound) >= wanted) return bound;
  return Number.NaN;
}
