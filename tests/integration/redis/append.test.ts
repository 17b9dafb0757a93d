/** The script that writes, on a real server: what it promises to nodes that lose replies, servers that lose data. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { SharedAppendResult, SharedBatch, SharedMessage, SharedRoomState } from "@danmakud/core/ports";
import { ROOM_LIMITS } from "@danmakud/core/rooms";
import { PATIENCE, REDIS_AVAILABLE, RedisServer, waitFor } from "@danmakud/testkit";
import { encodeDanmaku } from "@danmakud/wire";
import {
  connectRedis,
  entryId,
  metaKey,
  parseRedisUrl,
  type RedisConnection,
  slowKey,
  streamKey,
} from "../../../packages/server/src/adapters/redis/index.ts";
import { REDIS_LIMITS } from "../../../packages/server/src/adapters/redis/limits.ts";
import { RedisLog } from "../../../packages/server/src/adapters/redis/shared-log.ts";

const RETAIN = 300;

describe.skipIf(!REDIS_AVAILABLE)("appending to a log in Redis", () => {
  let server: RedisServer;
  let connection: RedisConnection;
  let log: RedisLog;
  const messages: SharedMessage[] = [];
  let rooms = 0;
  let tokens = 0;
  const room = () => `append-${++rooms}`;

  beforeAll(async () => {
    server = await RedisServer.start();
    connection = connectRedis(parseRedisUrl(server.url), { connectionName: "test", onError: () => {} });
    log = logOf("node-a");
    await waitFor("the connection", () => connection.isReady, { timeoutMs: PATIENCE.conditionMs });
  });
  afterAll(async () => {
    connection?.close();
    await server?.stop();
  });

  function logOf(node: string): RedisLog {
    return new RedisLog({
      connection,
      node,
      token: () => `epoch${++tokens}`,
      retain: RETAIN,
      roomTtlMs: 86_400_000,
      replicas: 0,
      // All of them share one connection, and with it its messages.
      onMessage: (message) => node === "node-a" && messages.push(message),
      onCancelled: () => {},
    });
  }

  async function append(name: string, batch: SharedBatch, from = log): Promise<SharedAppendResult> {
    const result = await new Promise<SharedAppendResult | Error>((resolve) =>
      from.append(name, batch, resolve),
    );
    if (result instanceof Error) throw result;
    return result;
  }

  async function look(name: string): Promise<SharedRoomState | undefined> {
    const state = await new Promise<SharedRoomState | undefined | Error>((resolve) => {
      log.look(name, undefined, resolve);
    });
    if (state instanceof Error) throw state;
    return state;
  }

  /** Offsets that the present life of the server burns. */
  async function burned(): Promise<number> {
    const runId = /run_id:(\w\w)/.exec(await server.cli("info", "server"))?.[1] as string;
    return REDIS_LIMITS.burn * (1 + Number.parseInt(runId, 16));
  }

  test("gives consecutive offsets, keeps readable entries, and tells the others", async () => {
    const name = room();
    await new Promise((resolve) => log.subscribe(name, resolve));
    const first = await append(name, batchOf(1, ["一", "two"]), logOf("node-b"));
    expect(first).toMatchObject({ status: "ok", base: 0, first: 1, taken: 2, outcomes: "" });
    const second = await append(name, { ...batchOf(1, ["three"]), epoch: first.epoch, head: 2 });
    expect(second).toMatchObject({ epoch: first.epoch, base: 2, first: 3 });
    const entries = await connection.client.xrange(streamKey(name), "-", "+");
    expect(entries.map(([id]) => id)).toEqual(["1-0", "2-0", "3-0"]);
    expect(entries[0]![1]).toEqual([
      ...["timestamp", String(first.ts), "uid", "u1", "content", "一", "mode", "top", "color", "#00ff7f"],
      ...["size", "30", "class", "member"],
    ]);
    // The message of another node; this node's own is not passed on.
    const heard = () => messages.filter((message) => message.room === name && message.count > 0);
    await waitFor("the message", () => heard().length > 0);
    expect(heard()).toHaveLength(1);
    expect(heard()[0]).toMatchObject({ base: 0, first: 1, count: 2, epoch: first.epoch });
  });

  test("leaves out a style that is the usual one, in company of others and alone", async () => {
    const name = room();
    const bytes = new Uint8Array(1024);
    let end = 0;
    const plain = { content: "plain ✓", mode: 0, color: 0xffffff, size: 25, class: 0 };
    const others = [
      { ...plain, uid: "u".repeat(64) },
      { ...plain, uid: "u2", size: 26 },
      { ...plain, uid: "u3" },
      { ...plain, uid: "u4", color: 0xfffffe },
      { ...plain, uid: "u5", name: "五" },
      { ...plain, uid: "u6", content: "keyed" },
    ];
    for (const one of others) end = encodeDanmaku(bytes, end, one);
    const identities = ["", "", "", "", "", "u6\nk"];
    const batch = { ...batchOf(1, []), bytes: bytes.slice(0, end), count: others.length, identities };
    expect(await append(name, batch)).toMatchObject({ taken: 6, outcomes: "" });
    const entries = await connection.client.xrange(streamKey(name), "-", "+");
    const style = (color: string, size: string) => [
      "mode",
      "scroll",
      "color",
      color,
      "size",
      size,
      "class",
      "normal",
    ];
    expect(entries.map(([, fields]) => fields.slice(2))).toEqual([
      ["uid", "u".repeat(64), "content", "plain ✓"],
      ["uid", "u2", "content", "plain ✓", ...style("#ffffff", "26")],
      ["uid", "u3", "content", "plain ✓"],
      ["uid", "u4", "content", "plain ✓", ...style("#fffffe", "25")],
      ["uid", "u5", "content", "plain ✓", "name", "五"],
      ["uid", "u6", "content", "keyed"],
    ]);
    // A repeat among plain ones: who comes before and after is taken all the same.
    end = 0;
    for (const one of [others[0]!, others[5]!, others[2]!]) end = encodeDanmaku(bytes, end, one);
    const mixed = { ...batchOf(2, []), bytes: bytes.slice(0, end), count: 3, identities: ["", "u6\nk", ""] };
    expect(await append(name, mixed)).toMatchObject({ first: 7, taken: 2, outcomes: "trt" });
  });

  test("a batch that is sent again because its answer was lost is written once", async () => {
    const name = room();
    const batch = batchOf(7, ["only", "once"]);
    const first = await append(name, batch);
    const again = await append(name, { ...batch, epoch: first.epoch });
    expect(again).toEqual(first);
    expect(await connection.client.xlen(streamKey(name))).toBe(2);
    expect((await append(name, { ...batchOf(8, ["next"]), epoch: first.epoch })).first).toBe(3);
  });

  test("a batch that is sent again when a new epoch is due was written once all the same", async () => {
    const name = room();
    const first = await append(name, batchOf(1, ["a", "b"]));
    // Its answer is lost; what others wrote and this node has shown is then lost by a failover.
    const again = await append(name, { ...batchOf(1, ["a", "b"]), epoch: first.epoch, head: 5 });
    expect(again).toEqual(first);
    expect(await connection.client.xlen(streamKey(name))).toBe(2);
    const next = await append(name, { ...batchOf(2, ["c"]), epoch: first.epoch, head: 5 });
    expect(next.epoch).not.toBe(first.epoch);
    expect(next.first).toBe(6 + (await burned()));
  });

  test("a key counts once, within a batch and over batches and nodes", async () => {
    const name = room();
    const keyed = { ...batchOf(1, ["a", "b", "c"]), identities: ["u1\nk", "", "u1\nk"] };
    const first = await append(name, keyed);
    expect(first).toMatchObject({ taken: 2, outcomes: "ttr", repeats: [{ offset: 1, ts: first.ts }] });
    const second = await append(
      name,
      { ...batchOf(1, ["d", "e"]), identities: ["u1\nk", "u2\nk"] },
      logOf("node-b"),
    );
    expect(second).toMatchObject({
      first: 3,
      taken: 1,
      outcomes: "rt",
      repeats: [{ offset: 1, ts: first.ts }],
    });
  });

  test("settings change only from those that the caller knew, and thin out what comes", async () => {
    const name = room();
    const settings = { expected: "", wanted: '{"maxRate":4}', maxRate: 4, slowModeMs: 0 };
    expect((await append(name, { ...batchOf(1, []), settings })).status).toBe("ok");
    expect((await append(name, { ...batchOf(2, []), settings })).status).toBe("conflict");
    expect(await look(name)).toMatchObject({ settings: '{"maxRate":4}' });
    const thinned = await append(name, batchOf(3, ["1", "2", "3", "4", "5"]));
    expect(thinned).toMatchObject({ taken: 5, outcomes: "tssss" });
    const entry = await connection.client.xrange(streamKey(name), entryId(2), entryId(2));
    expect(entry[0]![1].slice(-2)).toEqual(["sampled", "1"]);
  });

  describe("with slow mode", () => {
    const LONG_MS = 600_000;
    const LETTERS = { b: true, "-": false } as const;

    /** Records of these users; `bound` as in the script. */
    function from(number: number, uids: readonly string[], bound = "*"): SharedBatch {
      const bytes = new Uint8Array(256 * 1024);
      let end = 0;
      for (const uid of uids)
        end = encodeDanmaku(bytes, end, {
          ...{ uid, content: `by ${uid}`, mode: 0, color: 0xffffff, size: 25, class: 0 },
        });
      const each = [...bound].map((letter) => LETTERS[letter as "b" | "-"]);
      const isBound = bound === "*" ? true : bound === "" ? false : each;
      return { ...batchOf(number, []), bytes: bytes.subarray(0, end), count: uids.length, isBound };
    }

    async function slowRoom(slowModeMs = LONG_MS, maxRate = 0): Promise<string> {
      const name = room();
      const settings = { expected: "", wanted: "slow", maxRate, slowModeMs };
      expect((await append(name, { ...batchOf(1, []), settings })).status).toBe("ok");
      return name;
    }

    const contents = async (name: string) =>
      (await connection.client.xrange(streamKey(name), "-", "+")).map(([, fields]) => fields[5]);

    test("takes one of a user, over batches and nodes, and only of those whom it binds", async () => {
      const name = await slowRoom();
      const first = await append(name, from(2, ["a", "a", "b", "a", "m", "m"], "bbbb--"));
      expect(first).toMatchObject({ base: 0, first: 1, taken: 4, outcomes: "tltltt" });
      expect(first.repeats).toEqual([
        { offset: 0, ts: LONG_MS },
        { offset: 0, ts: LONG_MS },
      ]);
      const second = await append(name, from(1, ["b", "c", "m"]), logOf("node-b"));
      expect(second).toMatchObject({ base: 4, first: 5, taken: 2, outcomes: "ltt" });
      expect(second.repeats[0]?.ts).toBeWithin(1, LONG_MS + 1);
      expect(await append(name, from(3, ["a", "b"], ""))).toMatchObject({ first: 7, outcomes: "" });
      expect(await append(name, from(4, ["a", "b"]))).toMatchObject({ taken: 0, outcomes: "ll" });
      expect(await contents(name)).toEqual(["by a", "by b", "by m", "by m", "by c", "by m", "by a", "by b"]);
    });

    test("a batch that is sent again is answered as it was, to the millisecond", async () => {
      const name = await slowRoom();
      const batch = from(2, ["a", "a", "b"]);
      const first = await append(name, batch);
      expect(first.outcomes).toBe("tlt");
      await Bun.sleep(5);
      expect(await append(name, { ...batch, epoch: first.epoch })).toEqual(first);
      const refused = await append(name, from(3, ["a"]));
      await Bun.sleep(5);
      expect(await append(name, from(3, ["a"]))).toEqual(refused);
      expect(await contents(name)).toEqual(["by a", "by b"]);
    });

    test("what is refused takes no key, no part of the rate, and is passed by where others hear of it", async () => {
      const name = await slowRoom(LONG_MS, 4);
      await new Promise((resolve) => log.subscribe(name, resolve));
      const keyed = { ...from(1, ["a", "a", "a", "b", "c"]), identities: ["a\n1", "a\n2", "a\n1", "", ""] };
      const first = await append(name, keyed, logOf("node-b"));
      // One may come at once; the second is left out of what viewers see, as it would be without those between.
      expect(first).toMatchObject({ taken: 3, outcomes: "tlrss" });
      expect(first.repeats[1]).toEqual({ offset: 1, ts: first.ts });
      const again = { ...from(2, ["a", "a"], ""), identities: ["a\n2", "a\n1"] };
      const second = await append(name, again);
      expect(second).toMatchObject({ taken: 1, first: 4 });
      expect(second.outcomes).toMatch(/^[st]r$/);
      const heard = () => messages.filter((message) => message.room === name && message.count === 5);
      await waitFor("the message", () => heard().length > 0);
      expect(heard()).toMatchObject([{ first: 1, outcomes: "tlrss" }]);
    });

    test("nothing is told where all were refused", async () => {
      const name = await slowRoom();
      await append(name, from(2, ["a"]));
      await new Promise((resolve) => log.subscribe(name, resolve));
      const other = logOf("node-b");
      expect(await append(name, from(1, ["a", "a"]), other)).toMatchObject({ base: 1, taken: 0 });
      await append(name, from(2, ["b"]), other);
      const heard = () => messages.filter((message) => message.room === name);
      await waitFor("the message", () => heard().length > 0);
      expect(heard()).toMatchObject([{ base: 1, first: 2, count: 1, outcomes: "" }]);
    });

    test("passes who wrote long enough ago, or in the future of a clock that was set back", async () => {
      const name = await slowRoom();
      const [seconds] = await connection.client.time();
      const now = Number(seconds) * 1000;
      const wrote = { old: now - LONG_MS - 1, late: now - LONG_MS + 60_000, ahead: now + 3_600_000 };
      for (const [uid, at] of Object.entries(wrote)) await connection.client.zadd(slowKey(name), at, uid);
      const result = await append(name, from(2, ["old", "late", "ahead", "old", "ahead"]));
      expect(result.outcomes).toBe("tltll");
      expect(result.repeats[0]?.ts).toBeWithin(1, 60_001);
    });

    test("remembers those whom it binds, so many at most, for as long as it does", async () => {
      const name = await slowRoom();
      const { client } = connection;
      const most = ROOM_LIMITS.slowUsersMax;
      const now = Date.now();
      const crowd = Array.from({ length: most }, (_, n) => [now - LONG_MS / 2 + n / 100, `u${n}`]).flat();
      for (let at = 0; at < crowd.length; at += 20_000)
        await client.zadd(slowKey(name), ...crowd.slice(at, at + 20_000));
      // Who wrote longest ago is free early.
      expect(await append(name, from(2, ["x", "y", "z"]))).toMatchObject({ outcomes: "" });
      expect(await client.zcard(slowKey(name))).toBe(most);
      expect(await client.zrange(slowKey(name), "0", "0")).toEqual(["u3"]);
      expect(await client.pttl(slowKey(name))).toBeWithin(LONG_MS / 2, LONG_MS + 1001);
      expect(await append(name, from(3, ["x", `u${most - 1}`]))).toMatchObject({ outcomes: "ll" });
      // Whom it binds no longer is forgotten by and by.
      await client.del(slowKey(name));
      const gone = Array.from({ length: 1000 }, (_, n) => [now - 2 * LONG_MS, `u${n}`]).flat();
      await client.zadd(slowKey(name), ...gone);
      for (let number = 4; (await client.zcard(slowKey(name))) > number - 3; number++)
        expect(await append(name, from(number, [`n${number}`]))).toMatchObject({ outcomes: "" });
    });

    test("begins anew with another time, and is over with none", async () => {
      const name = await slowRoom();
      const change = (number: number, expected: string, wanted: string, slowModeMs: number) =>
        append(name, { ...batchOf(number, []), settings: { expected, wanted, maxRate: 0, slowModeMs } });
      await append(name, from(2, ["a"]));
      await change(3, "slow", "same", LONG_MS);
      expect(await append(name, from(4, ["a"]))).toMatchObject({ outcomes: "l" });
      await change(5, "same", "other", LONG_MS + 1);
      expect(await append(name, from(6, ["a", "a"]))).toMatchObject({ outcomes: "tl" });
      await change(7, "other", "none", 0);
      expect(await append(name, from(8, ["a", "a"]))).toMatchObject({ outcomes: "" });
      expect(await connection.client.exists(slowKey(name))).toBe(0);
    });
  });

  test("trims to what is retained, but nothing that the dispatch group has not read, up to a bound", async () => {
    const plain = room();
    const read = room();
    await append(read, batchOf(1, ["first"]));
    await connection.client.hset(metaKey(read), "dispatched", 0);
    const many = Array.from({ length: 400 }, (_, n) => `text ${n}`);
    for (let number = 2; number < 5; number++) {
      await append(plain, batchOf(number, many));
      expect((await append(read, batchOf(number, many))).unread).toBe(0);
    }
    expect(await connection.client.xlen(streamKey(plain))).toBeWithin(RETAIN, RETAIN + 101);
    expect(await connection.client.xlen(streamKey(read))).toBe(1201);
    await connection.client.hset(metaKey(read), "dispatched", 1000);
    await append(read, batchOf(5, ["more"]));
    expect(await connection.client.xlen(streamKey(read))).toBeWithin(RETAIN, RETAIN + 101);

    await connection.client.hset(metaKey(read), "dispatched", 1000);
    let unread = 0;
    for (let number = 6; unread === 0 && number < 40; number++) {
      unread += (await append(read, batchOf(number, many))).unread;
    }
    expect(unread).toBeGreaterThan(0);
    const most = RETAIN * REDIS_LIMITS.unreadFactor;
    expect(await connection.client.xlen(streamKey(read))).toBeWithin(most, most + 101);
    expect(Number(await connection.client.hget(metaKey(read), "unread"))).toBe(unread);
  });

  test("a server that came back numbers on beyond all that it may have lost; what it lost is a new epoch", async () => {
    const [whole, rolled] = [room(), room()];
    const first = await append(whole, batchOf(1, ["a"]));
    const before = await append(rolled, batchOf(1, ["a", "b", "c"]));
    await server.restart();
    await waitFor("the connection", () => connection.isReady);
    expect(await look(whole)).toMatchObject({ isInDoubt: true, head: 1 });
    const next = await append(whole, { ...batchOf(2, ["b"]), epoch: first.epoch, head: 1 });
    expect(next).toMatchObject({ epoch: first.epoch, base: 1, first: 2 + (await burned()) });
    expect(await look(whole)).toMatchObject({ isInDoubt: false });

    // Another node goes on first, and does not know that offset 3 was lost with the server's tail: no harm is done …
    await connection.client.hset(metaKey(rolled), "head", 2);
    await connection.client.xdel(streamKey(rolled), "3-0");
    const other = await append(
      rolled,
      { ...batchOf(1, ["d"]), epoch: before.epoch, head: 2 },
      logOf("node-b"),
    );
    expect(other.epoch).toBe(before.epoch);
    expect(other.first).toBe(3 + (await burned()));
    // … and the one that has shown it brings about a new epoch, above all that anybody has seen.
    const mine = await append(rolled, { ...batchOf(2, ["e"]), epoch: before.epoch, head: 3 });
    expect(mine.epoch).not.toBe(before.epoch);
    expect(mine.first).toBe(other.first + 1);
  });

  test("what was lost is a new epoch also where a later loss was noticed before", async () => {
    const name = room();
    const before = await append(name, batchOf(1, ["a", "b", "c"]));
    for (const head of [2, 4 + (await burned())]) {
      await connection.client.hset(metaKey(name), { head, server: "another life of it" });
      const other = { ...batchOf(head, ["d", "e"]), epoch: before.epoch, head };
      expect((await append(name, other, logOf("node-b"))).epoch).toBe(before.epoch);
    }
    const head = 5 + 2 * (await burned());
    const known = { ...batchOf(2, ["f"]), epoch: before.epoch };
    for (const shown of [2, 4 + (await burned()), head])
      expect((await append(name, { ...known, number: shown, head: shown })).epoch).toBe(before.epoch);
    const mine = await append(name, { ...known, number: 9, head: 3 });
    expect(mine.epoch).not.toBe(before.epoch);
    expect(mine.first).toBeGreaterThan(head);
  });

  test("a room that was lost whole begins a new epoch above what the caller has shown", async () => {
    const name = room();
    const first = await append(name, batchOf(1, ["a", "b"]));
    await connection.client.del(metaKey(name), streamKey(name));
    expect(await look(name)).toBeUndefined();
    const next = await append(name, { ...batchOf(2, ["c"]), epoch: first.epoch, head: 2 });
    expect(next.epoch).not.toBe(first.epoch);
    const base = 2 + (await burned());
    expect(next).toMatchObject({ base, first: base + 1 });
  });
});

function batchOf(number: number, contents: readonly string[]): SharedBatch {
  const bytes = new Uint8Array(64 * 1024);
  let end = 0;
  for (const content of contents) {
    end = encodeDanmaku(bytes, end, { uid: "u1", content, mode: 2, color: 0x00ff7f, size: 30, class: 1 });
  }
  return {
    number,
    epoch: "",
    head: 0,
    bytes: bytes.subarray(0, end),
    count: contents.length,
    identities: [],
    isBound: false,
  };
}
