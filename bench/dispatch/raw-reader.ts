/**
 * What Redis and its client give without a worker around: XREADGROUP over all rooms, XACK of what came, nothing else. A
 * process of its own, as the worker is. Prints one line when a share of the backlog is acknowledged, one at the end.
 */
import { streamKey } from "@danmakud/server/redis";
import { Redis } from "ioredis";
import { LatencyHistogram } from "../load/histogram.ts";
import { RAW_GROUP, type RawReport } from "./messages.ts";
import { roomName } from "./redis.ts";

const [port = "", rooms = "", expected = "", warmUp = ""] = process.argv.slice(2);
const redis = new Redis(Number(port), "127.0.0.1");
const keys = Array.from({ length: Number(rooms) }, (_, room) => streamKey(roomName(room)));
await Promise.all(keys.map((key) => redis.xgroup("CREATE", key, RAW_GROUP, "0", "MKSTREAM")));
const latency = new LatencyHistogram();
const report = (acked: number): void => {
  const line: RawReport = {
    acked,
    atMs: performance.timeOrigin + performance.now(),
    latency: latency.toText(),
  };
  process.stdout.write(`${JSON.stringify(line)}\n`);
};
report(0);
let acked = 0;
let isWarm = false;
while (acked < Number(expected)) {
  const group = ["GROUP", RAW_GROUP, "raw", "COUNT", 100, "BLOCK", 500];
  const reply = await redis.call("XREADGROUP", ...group, "STREAMS", ...keys, ...keys.map(() => ">"));
  if (reply === null) continue;
  const readAt = performance.now();
  const streams = reply as (string | [string, string[]][])[];
  const acks: Promise<number>[] = [];
  for (let at = 0; at < streams.length; at += 2) {
    const ids = (streams[at + 1] as [string, string[]][]).map(([id]) => id);
    acks.push(redis.xack(streams[at] as string, RAW_GROUP, ...ids));
    acked += ids.length;
  }
  const counts = await Promise.all(acks);
  const micros = (performance.now() - readAt) * 1000;
  for (const count of counts) for (let each = 0; each < count; each++) latency.record(micros);
  if (isWarm || acked < Number(warmUp)) continue;
  isWarm = true;
  latency.reset();
  report(acked);
}
report(acked);
// It stays until it is killed: what it used is read from outside.
