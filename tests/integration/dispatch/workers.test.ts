import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  makeTempDir,
  REDIS_AVAILABLE,
  REDIS_TOPOLOGIES,
  type RedisService,
  removeTempDir,
  TEST_LIMIT_MS,
  waitFor,
} from "@danmakud/testkit";
import { checkArchive } from "./archive-check.ts";
import { RoomWriter } from "./room-writer.ts";
import { startWorker } from "./test-worker.ts";

setDefaultTimeout(TEST_LIMIT_MS);

for (const topology of ["standalone", "cluster"] as const) {
  describe.skipIf(!REDIS_AVAILABLE)(`dispatch workers on Redis (${topology})`, () => {
    let redis: RedisService;
    let folder = "";
    const archive = () => ["--sink", `archive:${folder}`, "--archive-rotate-bytes", "65536"];
    beforeAll(async () => {
      redis = await REDIS_TOPOLOGIES[topology]();
      folder = makeTempDir("archive");
    });
    afterAll(async () => {
      await redis?.stop();
      removeTempDir(folder);
    });

    test("a killed worker's rooms are taken over, a new one takes its share, nothing is missing or out of order", async () => {
      await using writer = await RoomWriter.connect(redis.url);
      const rooms = Array.from({ length: 20 }, (_, i) => `${topology}-${i}`);
      // Written before there is any worker: the group begins at the stream's beginning.
      await writer.flow(rooms, 4_000, (count) => count < 400);
      await using first = await startWorker(redis.url, ...archive());
      await using second = await startWorker(redis.url, ...archive());
      await Promise.all([first.ready(), second.ready()]);
      await waitFor("the slots to be shared", async () => {
        const slots = await Promise.all([first.metric("slots"), second.metric("slots")]);
        return slots.every((count) => count > 300) && slots[0] + slots[1] === 1024;
      });
      let isOver = false;
      const flow = writer.flow(rooms, 1_000, () => !isOver);
      await waitFor(
        "the first to be in the midst of it",
        async () => (await first.metric("acked_total")) > 500,
      );
      first.signal("SIGKILL");
      await first.result;
      await waitFor("the other to take over", async () => (await second.metric("slots")) === 1024);
      await using third = await startWorker(redis.url, ...archive());
      await waitFor("the third to have its share", async () => (await third.metric("slots")) > 300);
      await waitFor("the third to work", async () => (await third.metric("acked_total")) > 200);
      isOver = true;
      await flow;
      await writer.waitSettled();
      second.signal("SIGTERM");
      third.signal("SIGTERM");
      expect((await second.result).code).toBe(0);
      expect((await third.result).code).toBe(0);
      checkArchive(folder, writer.written);
      expect(await writer.pending()).toBe(0);
    });

    test("a room that appears is found by its doorbell, and one whose stream is gone is forgotten", async () => {
      await using writer = await RoomWriter.connect(redis.url);
      const place = makeTempDir("archive");
      await using worker = await startWorker(redis.url, "--sink", `archive:${place}`);
      await worker.ready();
      const before = await worker.metric("rooms");
      await writer.write(`${topology}-new`, "first");
      await writer.waitSettled();
      expect(await worker.metric("rooms")).toBe(before + 1);
      await writer.client.del(`stream:room:{${topology}-new}`, `room:{${topology}-new}`);
      await writer.ring(`${topology}-new`);
      await waitFor("the room to be forgotten", async () => (await worker.metric("rooms")) === before);
      worker.signal("SIGTERM");
      expect((await worker.result).code).toBe(0);
      checkArchive(place, writer.written);
      removeTempDir(place);
    });
  });
}
