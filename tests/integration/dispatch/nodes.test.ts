import { describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  makeTempDir,
  type PublishedBody,
  REDIS_AVAILABLE,
  RoomApi,
  removeTempDir,
  startNode,
  startStandalone,
  TEST_LIMIT_MS,
  waitFor,
} from "@danmakud/testkit";
import { metaKey, streamKey } from "../../../packages/server/src/adapters/redis/index.ts";
import { type ArchiveLine, readArchive } from "./archive-check.ts";
import { startWorker } from "./test-worker.ts";

setDefaultTimeout(TEST_LIMIT_MS);

const RETAIN = 200;
const ROUNDS = 8;
const PER_ROUND = 250;

describe.skipIf(!REDIS_AVAILABLE)("a node, Redis and a dispatch worker", () => {
  test("while workers stand still nothing is trimmed unread; afterwards all is archived, and the stream is short again", async () => {
    await using redis = await startStandalone();
    await using node = await startNode({
      flags: ["--redis", redis.url, "--retain", String(RETAIN), "--limits", "off"],
    });
    const folder = makeTempDir("archive");
    const room = "long";
    const api = new RoomApi(node.url, room);
    const publish = async (from: number) => {
      const batch = Array.from({ length: PER_ROUND }, (_, i) => ({
        uid: "u",
        content: `number ${from + i}`,
      }));
      const answer = await api.publish(batch);
      expect(answer.status).toBe(200);
    };
    const [server] = redis.servers;
    const field = async (name: string) => (await server?.cli("HGET", metaKey(room), name)) ?? "";
    const first = await startWorker(redis.url, "--sink", `archive:${folder}`);
    await publish(1);
    await waitFor(
      "the group to be there and through",
      async () => Number(await field("dispatched")) >= PER_ROUND,
    );
    first.signal("SIGKILL");
    await first.result;
    for (let round = 1; round < ROUNDS; round++) await publish(1 + round * PER_ROUND);
    const unread = Number(await server?.cli("XLEN", streamKey(room)));
    expect(unread).toBeGreaterThanOrEqual((ROUNDS - 1) * PER_ROUND);
    await using second = await startWorker(redis.url, "--sink", `archive:${folder}`);
    const head = await field("head");
    await waitFor("the rest to be archived", async () => (await field("dispatched")) === head);
    await publish(1 + ROUNDS * PER_ROUND);
    expect(Number(await server?.cli("XLEN", streamKey(room)))).toBeLessThan(unread);
    await waitFor(
      "the last to be archived",
      async () => (await field("dispatched")) === (await field("head")),
    );
    expect(await second.metric("trimmed_total")).toBe(0);
    second.signal("SIGTERM");
    expect((await second.result).code).toBe(0);
    const lines: ArchiveLine[] = [...readArchive(folder).values()].flat();
    const contents = [...new Set(lines.map(({ content }) => content))];
    expect(contents).toEqual(Array.from({ length: (ROUNDS + 1) * PER_ROUND }, (_, i) => `number ${i + 1}`));
    expect(new Set(lines.map(({ epoch }) => epoch))).toEqual(new Set([await field("epoch")]));
    removeTempDir(folder);
  });

  test("an epoch begins: the archive says of each danmaku which one it is of", async () => {
    await using redis = await startStandalone();
    await using node = await startNode({ flags: ["--redis", redis.url, "--limits", "off"] });
    const folder = makeTempDir("archive");
    await using worker = await startWorker(redis.url, "--sink", `archive:${folder}`);
    await worker.ready();
    const [server] = redis.servers;
    const api = new RoomApi(node.url, "lives");
    const epochs: string[] = [];
    for (const life of [1, 2]) {
      for (let i = 0; i < 20; i++) {
        // While the node finds out what has become of the log, it may answer that it cannot write.
        const published = await waitFor("a publish", async () => {
          const answer = await api.publish({ uid: "u", content: `life ${life}` });
          return answer.status === 201 ? (answer.body as PublishedBody) : undefined;
        });
        epochs[life] = published.epoch;
      }
      await waitFor("it to be archived", async () => (await worker.metric("acked_total")) >= life * 20);
      if (life === 1) await server?.cli("FLUSHALL");
    }
    expect(epochs[1]).not.toBe(epochs[2]);
    const lines = [...readArchive(folder).values()].flat();
    for (const life of [1, 2]) {
      const own = lines.filter(({ content }) => content === `life ${life}`);
      expect(new Set(own.map(({ epoch }) => epoch))).toEqual(new Set([epochs[life] as string]));
      expect(new Set(own.map(({ offset }) => offset)).size).toBe(20);
    }
    removeTempDir(folder);
  });
});
