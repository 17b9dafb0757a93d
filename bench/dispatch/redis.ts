/** A Redis server for one measurement, and rooms in it as nodes write them. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dispatchBellChannel, dispatchRoomsKey, metaKey, slotOf, streamKey } from "@danmakud/server/redis";
import type { Redis } from "ioredis";
import { startServer } from "../peers/server-process.ts";
import type { Server } from "../peers/target.ts";

/** Entries written by one script: some 10 ms of the server's time. */
const FILL_STEP = 2_000;

/** ARGV first offset, how many, content. Nodes leave out the usual style. */
const FILL = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for offset = ARGV[1], ARGV[1] + ARGV[2] - 1 do
  redis.call('XADD', KEYS[1], string.format('%.0f-0', offset), 'timestamp', now, 'uid', 'user-' .. offset % 1000,
    'content', ARGV[3])
end
redis.call('HSET', KEYS[2], 'epoch', 'bench', 'head', ARGV[1] + ARGV[2] - 1)
`;

export const roomName = (room: number): string => `bench-${room}`;

/** @param settings flags of redis-server; default: nothing goes to the disk. */
export async function startRedis(
  port: number,
  settings: readonly string[] = ["--appendonly", "no"],
): Promise<Server> {
  const folder = mkdtempSync(join(tmpdir(), "danmakud-bench-redis-"));
  const common = ["--port", `${port}`, "--bind", "127.0.0.1", "--save", "", "--dir", folder];
  return await startServer({
    command: ["redis-server", ...common, ...settings],
    port,
    cleanUp: () => rmSync(folder, { recursive: true, force: true }),
  });
}

/** Writes entries into rooms, as many into each, and the rooms into the sets where workers look for them. */
export async function fillRooms(
  redis: Redis,
  rooms: number,
  perRoom: number,
  content: string,
): Promise<void> {
  for (let room = 0; room < rooms; room++) {
    const name = roomName(room);
    for (let first = 1; first <= perRoom; first += FILL_STEP) {
      const count = Math.min(FILL_STEP, perRoom - first + 1);
      await redis.eval(FILL, 2, streamKey(name), metaKey(name), first, count, content);
    }
    await redis.sadd(dispatchRoomsKey(slotOf(name)), name);
  }
}

/** Writes an entry to each of some rooms by one batch of commands, and rings. `offsets` are counted on. */
export async function writeEntries(
  redis: Redis,
  rooms: readonly number[],
  offsets: Float64Array,
  content: string,
): Promise<void> {
  const batch = redis.pipeline();
  const now = String(Date.now());
  for (const room of rooms) {
    const name = roomName(room);
    const offset = (offsets[room] ?? 0) + 1;
    offsets[room] = offset;
    batch.xadd(streamKey(name), `${offset}-0`, "timestamp", now, "uid", "u1", "content", content);
  }
  for (const room of new Set(rooms)) {
    const name = roomName(room);
    batch.call("SPUBLISH", dispatchBellChannel(slotOf(name)), name);
  }
  await batch.exec();
}
