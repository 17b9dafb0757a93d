/** Redis away for longer than any time-out of a connection. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { PATIENCE, REDIS_AVAILABLE, RedisServer, startNode, TcpProxy } from "@danmakud/testkit";
import { checkOutage } from "../redis/outage-check.ts";

setDefaultTimeout(PATIENCE.bulkMs);
if (!REDIS_AVAILABLE) console.log("left out: Redis away for long; there is no redis-server");

const HOLD_MS = 20_000;
/** Of two nodes with a gateway each: commands, messages, and what the gateway reads. */
const CONNECTIONS = 2 * 3;
/** Attempts of one connection: many soon after the loss, then one in a second. */
const attemptsMax = (elapsedMs: number) => 15 + (2 * elapsedMs) / 1000;

const OUTAGES: Record<
  string,
  (server: RedisServer, proxy: TcpProxy) => [begin: () => unknown, end: () => unknown]
> = {
  "stands still": (server) => [() => server.pause(), () => server.resume()],
  "is cut off": (_, proxy) => [() => proxy.cut(), () => proxy.mend()],
  "is stopped": (server) => [() => server.kill("SIGTERM"), () => server.start()],
};

describe.skipIf(!REDIS_AVAILABLE)("when Redis, for 20 s,", () => {
  for (const [name, outageOf] of Object.entries(OUTAGES)) {
    test(`${name}, nodes wait for it without a storm, and go on where they were`, async () => {
      await using server = await RedisServer.start();
      await using proxy = await TcpProxy.start(server.port);
      const flags = ["--redis", `redis://127.0.0.1:${proxy.port}`, "--threads", "1"];
      await using first = await startNode({ flags });
      await using second = await startNode({ flags });
      const [begin, end] = outageOf(server, proxy);
      const before = proxy.connections;
      expect(before).toBeLessThanOrEqual(CONNECTIONS + 2);
      const began = performance.now();
      await checkOutage([first, second], {
        begin: async () => begin(),
        end: async () => end(),
        holdMs: HOLD_MS,
      });
      const attempts = proxy.connections - before;
      expect(attempts).toBeLessThan(CONNECTIONS * attemptsMax(performance.now() - began));
      console.log(`Redis ${name}: ${attempts} attempts to connect by ${CONNECTIONS} connections`);
    });
  }
});
