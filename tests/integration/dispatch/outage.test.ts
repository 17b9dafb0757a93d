import { describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  makeTempDir,
  REDIS_AVAILABLE,
  REDIS_TOPOLOGIES,
  removeTempDir,
  replicaHasAll,
  startStandalone,
  TEST_LIMIT_MS,
  waitFor,
} from "@danmakud/testkit";
import { checkArchive, readArchive } from "./archive-check.ts";
import { RoomWriter } from "./room-writer.ts";
import { startWorker } from "./test-worker.ts";

setDefaultTimeout(TEST_LIMIT_MS);

describe.skipIf(!REDIS_AVAILABLE)("Redis under a dispatch worker", () => {
  test("killed and restarted, then paused for longer than the leases: everything is archived, in order", async () => {
    await using redis = await startStandalone(["--appendfsync", "always"]);
    const folder = makeTempDir("archive");
    await using writer = await RoomWriter.connect(redis.url);
    const rooms = ["a", "b", "c"];
    await using worker = await startWorker(redis.url, "--sink", `archive:${folder}`);
    await worker.ready();
    const [server] = redis.servers;
    await writer.flow(rooms, 1_000, (count) => count < 300);
    await server?.restart("SIGKILL");
    await waitFor(
      "the writer to be back",
      async () => await writer.write("a", "after the restart").catch(() => 0),
    );
    await writer.flow(rooms, 1_000, (count) => count < 300);
    await writer.waitSettled();
    server?.pause();
    await waitFor("the worker to notice", async () => (await worker.metric("slots")) === 0, {
      intervalMs: 100,
    });
    server?.resume();
    await waitFor(
      "the writer to be back",
      async () => await writer.write("b", "after the pause").catch(() => 0),
    );
    await writer.flow(rooms, 1_000, (count) => count < 300);
    await writer.waitSettled();
    worker.signal("SIGTERM");
    expect((await worker.result).code).toBe(0);
    checkArchive(folder, writer.written);
    removeTempDir(folder);
  });

  test("emptied (FLUSHALL): the rooms that come after it are read from their beginning", async () => {
    await using redis = await startStandalone();
    const folder = makeTempDir("archive");
    await using worker = await startWorker(redis.url, "--sink", `archive:${folder}`);
    await worker.ready();
    for (const life of [1, 2]) {
      await using writer = await RoomWriter.connect(redis.url);
      for (let i = 0; i < 40; i++) await writer.write(`room-${i % 2}`, `life ${life}`);
      await writer.waitSettled();
      await writer.client.call("FLUSHALL");
    }
    const lines = [...readArchive(folder).values()].flat();
    for (const life of [1, 2]) {
      const offsets = lines.filter((line) => line.content === `life ${life}` && line.room === "room-1");
      expect(offsets.map(({ offset }) => offset)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
    }
    removeTempDir(folder);
  });

  test("a master of the Cluster fails over in the midst of a flow", async () => {
    await using redis = await REDIS_TOPOLOGIES.cluster();
    const folder = makeTempDir("archive");
    await using writer = await RoomWriter.connect(redis.url);
    const rooms = Array.from({ length: 12 }, (_, i) => `fail-${i}`);
    await using worker = await startWorker(redis.url, "--sink", `archive:${folder}`);
    await worker.ready();
    await writer.flow(rooms, 1_000, (count) => count < 600);
    await writer.waitSettled();
    // What the replica has not is no question of the workers'.
    await replicaHasAll(redis, "fail-0");
    await redis.failOver("fail-0");
    for (const room of rooms) {
      await waitFor(
        "the writer to be back",
        async () => await writer.write(room, "after the failover").catch(() => 0),
        {
          intervalMs: 100,
        },
      );
    }
    await writer.flow(rooms, 1_000, (count) => count < 600);
    await writer.waitSettled();
    worker.signal("SIGTERM");
    expect((await worker.result).code).toBe(0);
    checkArchive(folder, writer.written);
    removeTempDir(folder);
  });
});
