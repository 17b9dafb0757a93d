/** Mutes and bans in Redis, on a real server: what the script keeps, when it goes, and how many there may be. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type OnShared, type Sanction, type SharedSanctions, SITE, UNTIL_LIFTED } from "@danmakud/core/ports";
import { ROOM_LIMITS } from "@danmakud/core/rooms";
import { PATIENCE, REDIS_AVAILABLE, RedisServer, TEST_LIMIT_MS, waitFor } from "@danmakud/testkit";
import {
  connectRedis,
  parseRedisUrl,
  type RedisConnection,
  sanctionsKey,
} from "../../../packages/server/src/adapters/redis/index.ts";
import { RedisSanctions, readBan } from "../../../packages/server/src/adapters/redis/sanctions.ts";

describe.skipIf(!REDIS_AVAILABLE)("mutes and bans in Redis", () => {
  let server: RedisServer;
  let connection: RedisConnection;
  let log: RedisSanctions;
  let isReplicated = true;
  let tokens = 0;
  let rooms = 0;
  const freshRoom = () => `sanctions-${++rooms}`;
  const now = Date.now();

  beforeAll(async () => {
    server = await RedisServer.start();
    connection = connectRedis(parseRedisUrl(server.url), { connectionName: "test", onError: () => {} });
    log = new RedisSanctions({
      client: connection.client,
      writing: connection.client,
      node: "node-a",
      token: () => `revision${++tokens}`,
      isReplicated: async () => isReplicated,
    });
    await waitFor("the connection", () => connection.isReady, { timeoutMs: PATIENCE.conditionMs });
  });
  afterAll(async () => {
    connection?.close();
    await server?.stop();
  });

  function answer<Result>(ask: (onDone: OnShared<Result>) => void): Promise<Result> {
    return new Promise((resolve, reject) => {
      ask((result) => (result instanceof Error ? reject(result) : resolve(result)));
    });
  }
  const one = (room: string, uid: string, until: number, since = now): Sanction => {
    return { kind: "ban", room, uid, until, since, by: "m" };
  };
  const impose = (sanction: Sanction) => answer<"ok" | "full">((done) => log.impose(sanction, done));
  const all = (room: string) => answer<SharedSanctions>((done) => log.all(room, done));
  const sweep = (room: string, at: number) => answer<undefined>((done) => log.sweep(room, at, done));
  const expiry = (room: string) => connection.client.pexpiretime(sanctionsKey(room));

  test.each(["a room", "the site"])(
    "of %s are kept as they were imposed, under another revision each time",
    async (where) => {
      const room = where === "the site" ? SITE : freshRoom();
      expect(await all(room)).toEqual({ revision: "", sanctions: [] });
      const wanted = [
        one(room, "u1", now + 60_000),
        { ...one(room, "u1", UNTIL_LIFTED), kind: "mute" as const },
      ];
      for (const sanction of wanted) expect(await impose(sanction)).toBe("ok");
      const found = await all(room);
      expect(found.sanctions).toEqual(wanted);
      expect(await answer<string>((done) => log.revision(room, done))).toBe(found.revision);
      await impose(one(room, "u2", now + 60_000));
      expect((await all(room)).revision).not.toBe(found.revision);
      expect(await readBan(connection.client, "elsewhere", "u1")).toBe(room === SITE ? now + 60_000 : 0);
      for (const { kind } of wanted) await impose({ ...one(room, "u1", 0), kind });
      await impose(one(room, "u2", 0));
      expect(await all(room)).toEqual({ revision: "", sanctions: [] });
      expect(await connection.client.exists(sanctionsKey(room))).toBe(0);
    },
  );

  test("go with the last of them that has an end; without an end they stay", async () => {
    const room = freshRoom();
    await impose(one(room, "u1", now + 60_000));
    expect(await expiry(room)).toBe(now + 60_000);
    await impose(one(room, "u2", now + 90_000));
    await impose(one(room, "u3", now + 30_000));
    expect(await expiry(room)).toBe(now + 90_000);
    await impose(one(room, "u4", UNTIL_LIFTED));
    expect(await expiry(room)).toBe(-1);
    await impose(one(room, "u5", now + 120_000));
    expect(await expiry(room)).toBe(-1);
    // The last one without an end gets one, or is lifted.
    await impose(one(room, "u4", now + 50_000));
    expect(await expiry(room)).toBe(now + 120_000);
    await impose(one(room, "u4", UNTIL_LIFTED));
    await impose(one(room, "u4", 0));
    expect(await expiry(room)).toBe(now + 120_000);
  });

  test("that are over are taken out, and never those that were prolonged", async () => {
    const room = freshRoom();
    await impose(one(room, "short", now + 60_000));
    await impose(one(room, "long", now + 90_000));
    await impose(one(room, "prolonged", now + 60_000));
    await impose(one(room, "prolonged", now + 90_000));
    await sweep(room, now + 60_000);
    expect((await all(room)).sanctions.map(({ uid }) => uid).sort()).toEqual(["long", "prolonged"]);
    await sweep(room, now + 90_000);
    expect(await connection.client.exists(sanctionsKey(room))).toBe(0);
  });

  test(
    "are as many as may be, those that are over not counted",
    async () => {
      const room = freshRoom();
      const max = ROOM_LIMITS.sanctionsPerRoomMax;
      const fields: Record<string, string> = {};
      for (let i = 0; i < max; i++) fields[`ban u${i}`] = `${i === 0 ? now + 1000 : "-"} ${now} m`;
      await connection.client.hset(sanctionsKey(room), fields);
      expect(await impose(one(room, "more", now + 60_000))).toBe("full");
      expect(await impose(one(room, "u1", now + 60_000))).toBe("ok");
      expect(await impose(one(room, "more", now + 60_000, now + 2000))).toBe("ok");
      expect(await impose(one(room, "again", now + 60_000, now + 2000))).toBe("full");
      await impose(one(room, "u2", 0));
      expect(await impose(one(room, "again", UNTIL_LIFTED))).toBe("ok");
      expect((await all(room)).sanctions).toHaveLength(max);
    },
    TEST_LIMIT_MS,
  );

  test("tell those who have the room open", async () => {
    const room = freshRoom();
    const heard: string[] = [];
    connection.onMessage((_channel, message) => heard.push(message.toString()));
    await connection.subscribe(`live:room:{${room}}`);
    await impose(one(room, "u1", now + 60_000));
    await waitFor("the news", () => heard.length > 0);
    expect(heard).toEqual(["node-a 0 - 0 0 0 0 -\n"]);
  });

  test("that too few replicas have are not answered, and what no node has written is passed over", async () => {
    const room = freshRoom();
    isReplicated = false;
    await expect(impose(one(room, "u1", now + 60_000))).rejects.toThrow("replicas");
    isReplicated = true;
    const strange = {
      "ban a b": "1 2 m",
      kick: "x",
      "ban u2": "soon now m",
      "ban u3": "5 6",
      "pat u4": "- 1 m",
    };
    await connection.client.hset(sanctionsKey(room), strange);
    expect((await all(room)).sanctions.map(({ uid }) => uid)).toEqual(["u1"]);
    await sweep(room, now);
    expect((await all(room)).sanctions.map(({ uid }) => uid)).toEqual(["u1"]);
  });
});
