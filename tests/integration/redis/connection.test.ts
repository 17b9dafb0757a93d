import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  PATIENCE,
  REDIS_AVAILABLE,
  REDIS_TOPOLOGIES,
  type RedisService,
  replicaHasAll,
  TEST_LIMIT_MS,
  waitFor,
} from "@danmakud/testkit";
import { connectRedis, reconnectDelayMs } from "../../../packages/server/src/adapters/redis/connect.ts";
import { liveChannel, metaKey } from "../../../packages/server/src/adapters/redis/keys.ts";
import { REDIS_LIMITS } from "../../../packages/server/src/adapters/redis/limits.ts";
import { parseRedisUrl } from "../../../packages/server/src/adapters/redis/redis-url.ts";

setDefaultTimeout(TEST_LIMIT_MS);

test("waits before a reconnect are bounded and differ", () => {
  const waits = Array.from({ length: 200 }, (_, n) => reconnectDelayMs(1 + (n % 40)));
  expect(Math.min(...waits)).toBeGreaterThanOrEqual(REDIS_LIMITS.reconnectMsMin);
  expect(Math.max(...waits)).toBeLessThanOrEqual(REDIS_LIMITS.reconnectMsMax);
  expect(new Set(waits).size).toBeGreaterThan(50);
});

for (const [topology, start] of Object.entries(REDIS_TOPOLOGIES)) {
  describe.skipIf(!REDIS_AVAILABLE)(`a connection to Redis (${topology})`, () => {
    let redis: RedisService;
    beforeAll(async () => {
      redis = await start();
    });
    afterAll(async () => await redis?.stop());

    test("carries commands and binary messages, and comes back after the server was gone", async () => {
      const errors: string[] = [];
      const connection = connectRedis(parseRedisUrl(redis.url), {
        connectionName: "test",
        onError: (error) => errors.push(error.message),
      });
      try {
        await waitFor("the connection", () => connection.isReady);
        const bytes = Buffer.from([0, 255, 128, 10, 13, 36]);
        await connection.client.hset(metaKey("r"), "x", bytes);
        expect(await connection.client.hgetBuffer(metaKey("r"), "x")).toEqual(bytes);

        const seen: Buffer[] = [];
        connection.onMessage((channel, message) => {
          if (channel.toString() === liveChannel("r")) seen.push(message);
        });
        const arrives = async () => {
          await connection.client.spublish(liveChannel("r"), bytes).catch(() => {});
          return seen.length > 0;
        };
        await connection.subscribe(liveChannel("r"));
        await waitFor("a message", arrives);
        expect(seen[0]).toEqual(bytes);

        if (topology === "standalone") await redis.servers[0]?.restart("SIGKILL");
        else {
          await replicaHasAll(redis, "r");
          await redis.failOver("r");
        }
        seen.length = 0;
        await waitFor("a message after that", arrives, {
          timeoutMs: 2 * PATIENCE.conditionMs,
          intervalMs: 100,
        });
        expect(await connection.client.hgetBuffer(metaKey("r"), "x")).toEqual(bytes);
        await connection.unsubscribe(liveChannel("r"));
      } finally {
        connection.close();
      }
    });
  });
}

test.skipIf(!REDIS_AVAILABLE)(
  "a connection to Redis survives news of a failover that comes while it looks for the master",
  async () => {
    await using redis = await REDIS_TOPOLOGIES.sentinel();
    const connection = connectRedis(parseRedisUrl(redis.url), {
      connectionName: "test",
      onError: () => {},
    });
    try {
      await waitFor("the connection", () => connection.isReady);
      const { client } = connection;
      const gone = new Promise<void>((resolve) => client.once("end", resolve));
      // What the library does when the news comes.
      client.once("connecting", () => Reflect.get(client, "connector").disconnect());
      const id = String(await client.call("CLIENT", "ID"));
      await client.call("CLIENT", "KILL", "ID", id, "SKIPME", "no").catch(() => {});
      await gone;
      await waitFor("the connection to be back", () => connection.isReady);
    } finally {
      connection.close();
    }
  },
);
