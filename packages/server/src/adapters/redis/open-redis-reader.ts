import type { RoomLogReader } from "@danmakud/core/ports";
import { connectRedis } from "./connect.ts";
import { RedisLogReader } from "./log-reader.ts";
import { parseRedisUrl } from "./redis-url.ts";

/** Opens a gateway's view of the logs in the Redis at `url`, on a connection of its own. */
export function openRedisReader(url: string): RoomLogReader {
  const connection = connectRedis(parseRedisUrl(url), {
    connectionName: "danmakud:read",
    // Errors of the connection are the other thread's to tell; here they are those of the reads.
    onError: () => {},
  });
  return new RedisLogReader(connection.client, () => connection.close());
}
