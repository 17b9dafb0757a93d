import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  PATIENCE,
  REDIS_AVAILABLE,
  REDIS_TOPOLOGIES,
  REPOSITORY_ROOT,
  type RedisService,
  SHARED_LOG_VARIABLE,
  TEST_LIMIT_MS,
} from "@danmakud/testkit";

/**
 * What a node promises, whatever its log: the suites that hold on the embedded log run here unchanged, on a log in Redis
 * of every form.
 */
const CONTRACT = [
  "resume",
  "idempotency",
  "http-publish",
  "http-read",
  "huge-rooms",
  "events",
  "retain",
  "room-linger",
  "moderation",
  "websocket-publish-rules",
  "slow-reader",
  "drain",
  "scheduled",
  "delay",
  "slow-mode",
].map((name) => `./tests/integration/${name}.test.ts`);

setDefaultTimeout(3 * PATIENCE.bulkMs);
if (!REDIS_AVAILABLE) console.log("left out: the contract on Redis; there is no redis-server");

for (const [topology, start] of Object.entries(REDIS_TOPOLOGIES)) {
  describe.skipIf(!REDIS_AVAILABLE)(`a log in Redis (${topology})`, () => {
    let redis: RedisService;
    beforeAll(async () => {
      redis = await start();
    });
    afterAll(async () => await redis?.stop());

    test("keeps the contract of the embedded log", async () => {
      const command = [process.execPath, "test", "--timeout", String(TEST_LIMIT_MS), ...CONTRACT];
      const child = Bun.spawn(command, {
        cwd: REPOSITORY_ROOT,
        env: { ...process.env, [SHARED_LOG_VARIABLE]: redis.url },
        stdin: "ignore",
        stdout: "pipe",
        stderr: "pipe",
      });
      const texts = await Promise.all(
        [child.stdout, child.stderr].map((stream) => new Response(stream).text()),
      );
      const code = await child.exited;
      const output = texts.join("");
      expect({ code, output: code === 0 ? "" : output.slice(-20_000) }).toEqual({ code: 0, output: "" });
      expect(output).toMatch(/[1-9]\d* pass\n/);
      // And it was this log that they ran on.
      const sizes = await Promise.all(redis.servers.map((server) => server.cli("dbsize")));
      expect(sizes.some((size) => Number(size) > 10)).toBe(true);
    });
  });
}
