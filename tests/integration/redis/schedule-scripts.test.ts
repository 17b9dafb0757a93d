/** The scripts behind scheduled danmaku, on a real server: what they promise to nodes that lose replies or ask at once. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type {
  OnShared,
  SharedClaim,
  SharedClaims,
  SharedDue,
  SharedMessage,
  SharedSchedule,
  SharedScheduleResult,
  SharedWaiting,
} from "@danmakud/core/ports";
import { ROOM_LIMITS } from "@danmakud/core/rooms";
import { PATIENCE, REDIS_AVAILABLE, RedisServer, waitFor } from "@danmakud/testkit";
import { encodeDanmaku, recordStride } from "@danmakud/wire";
import {
  connectRedis,
  parseRedisUrl,
  type RedisConnection,
  streamKey,
  waitingKey,
  waitingRecordsKey,
} from "../../../packages/server/src/adapters/redis/index.ts";
import { REDIS_LIMITS } from "../../../packages/server/src/adapters/redis/limits.ts";
import { listScheduled } from "../../../packages/server/src/adapters/redis/schedules.ts";
import { defineList } from "../../../packages/server/src/adapters/redis/scripts.ts";
import { RedisLog } from "../../../packages/server/src/adapters/redis/shared-log.ts";

const HOUR_MS = 3_600_000;
type Held = SharedClaim & { readonly waiting: SharedWaiting | undefined };

describe.skipIf(!REDIS_AVAILABLE)("what waits for its time in Redis", () => {
  let server: RedisServer;
  let connection: RedisConnection;
  let a: RedisLog;
  let b: RedisLog;
  const messages: SharedMessage[] = [];
  const cancelled: number[] = [];
  let rooms = 0;
  let batches = 0;
  const room = () => `later-${++rooms}`;

  beforeAll(async () => {
    server = await RedisServer.start();
    connection = connectRedis(parseRedisUrl(server.url), { connectionName: "test", onError: () => {} });
    a = logOf("node-a", true);
    b = logOf("node-b", false);
    await waitFor("the connection", () => connection.isReady, { timeoutMs: PATIENCE.conditionMs });
  });
  afterAll(async () => {
    connection?.close();
    await server?.stop();
  });

  function logOf(node: string, isListening: boolean): RedisLog {
    return new RedisLog({
      connection,
      node,
      token: () => `epoch-${node}`,
      retain: 1000,
      roomTtlMs: 86_400_000,
      replicas: 0,
      onMessage: (message) => isListening && messages.push(message),
      onCancelled: (_, number) => isListening && cancelled.push(number),
    });
  }

  const schedule = (name: string, batch: SharedSchedule, log = a): Promise<SharedScheduleResult> =>
    answer((onDone) => log.schedule(name, batch, onDone));
  const deliverDue = (name: string, log = a): Promise<SharedDue> =>
    answer((onDone) => log.deliverDue(name, onDone));
  const claim = (log: RedisLog, held: readonly Held[] = [], isLast = false): Promise<SharedClaims> =>
    answer((onDone) => log.claim(held, 1000, isLast, onDone));
  const list = (name: string, after = { deliverAt: 0, number: 0 }, limit = 100) =>
    listScheduled(defineList(connection.client), name, after, limit);
  const cancel = (name: string, scheduled: number, number = ++batches) =>
    schedule(name, { ...later(number, []), cancel: scheduled });

  function later(number: number, deliverAt: readonly number[], identities: string[] = []): SharedSchedule {
    const bytes = new Uint8Array(256 * 1024);
    let end = 0;
    for (const at of deliverAt)
      end = encodeDanmaku(bytes, end, {
        uid: "u1",
        content: `at ${at}`,
        mode: 0,
        color: 0,
        size: 25,
        class: 2,
      });
    return { number, bytes: bytes.subarray(0, end), count: deliverAt.length, deliverAt, identities };
  }

  test("a batch that is sent again because its answer was lost waits once; so does taking one back", async () => {
    const name = room();
    const at = Date.now() + HOUR_MS;
    const batch = later(++batches, [at + 1, at]);
    const first = await schedule(name, batch);
    expect(first.outcomes).toEqual([
      { kind: "waits", scheduled: 1, deliverAt: at + 1, isRepeat: false },
      { kind: "waits", scheduled: 2, deliverAt: at, isRepeat: false },
    ]);
    expect(first.waiting).toMatchObject({ nextAt: at, count: 2, bytes: batch.bytes.length });
    expect((await schedule(name, batch)).outcomes).toEqual(first.outcomes);
    expect((await list(name)).map(({ number, deliverAt }) => [number, deliverAt])).toEqual([
      [2, at],
      [1, at + 1],
    ]);
    const number = ++batches;
    expect((await cancel(name, 2, number)).outcomes).toEqual([{ kind: "cancelled" }]);
    expect((await cancel(name, 2, number)).outcomes).toEqual([{ kind: "cancelled" }]);
    const after = await cancel(name, 2);
    expect(after.outcomes).toEqual([{ kind: "not_found" }]);
    const [left] = await list(name);
    expect(after.waiting).toMatchObject({ nextAt: at + 1, count: 1, bytes: left!.record.length });
  });

  test("rows come back byte by byte, with their keys, page by page among many of the same time", async () => {
    const name = room();
    const at = Date.now() + HOUR_MS;
    const times = Array.from({ length: 300 }, (_, i) => at + (i < 10 ? -1 : 0));
    const batch = later(
      ++batches,
      times,
      times.map((_, i) => (i === 3 ? "u1\nschlüssel\n%" : "")),
    );
    await schedule(name, batch);
    const numbers: number[] = [];
    for (let after = { deliverAt: 0, number: 0 }; ; ) {
      const page = await list(name, after, 70);
      numbers.push(...page.map(({ number }) => number));
      const last = page.at(-1);
      if (last === undefined) break;
      after = last;
    }
    expect(numbers).toEqual(times.map((_, i) => i + 1));
    const [, , , fourth] = await list(name);
    expect(fourth).toMatchObject({ key: "schlüssel\n%", room: name, deliverAt: at - 1 });
    let from = 0;
    for (let i = 0; i < 3; i++) from += recordStride(batch.bytes, from);
    expect(fourth?.record).toEqual(batch.bytes.slice(from, from + fourth!.record.length));
  });

  test("a key is one over what waits and what is in the log", async () => {
    const name = room();
    const at = Date.now() + HOUR_MS;
    const keyed = (...keys: string[]) =>
      later(
        ++batches,
        keys.map(() => at),
        keys,
      );
    const [first] = (await schedule(name, keyed("u1\nk"))).outcomes;
    expect(first).toMatchObject({ kind: "waits", scheduled: 1 });
    expect((await schedule(name, keyed("u1\nk", "u2\nk"), b)).outcomes).toMatchObject([
      { kind: "waits", scheduled: 1, deliverAt: at, isRepeat: true },
      { kind: "waits", scheduled: 2, isRepeat: false },
    ]);
    const publish = (identity: string) =>
      answer<{ outcomes: string; taken: number; repeats: readonly { offset: number; ts: number }[] }>(
        (onDone) => {
          const { bytes } = later(0, [0]);
          const batch = {
            number: ++batches,
            epoch: "",
            head: 0,
            bytes,
            count: 1,
            identities: [identity],
            isBound: true,
          };
          a.append(name, batch, onDone);
        },
      );
    expect(await publish("u1\nk")).toMatchObject({
      outcomes: "w",
      taken: 0,
      repeats: [{ offset: 1, ts: at }],
    });
    expect(await publish("u3\nk")).toMatchObject({ outcomes: "", taken: 1 });
    expect((await schedule(name, keyed("u3\nk"))).outcomes).toMatchObject([{ kind: "repeat", offset: 1 }]);
    // Taking it back frees its key.
    await cancel(name, 1);
    expect(await publish("u1\nk")).toMatchObject({ outcomes: "", taken: 1 });
  });

  test("what is due goes into the log once and in order, whoever asks how often, and nothing before its time", async () => {
    const name = room();
    await new Promise((resolve) => a.subscribe(name, resolve as OnShared<undefined>));
    const now = Date.now();
    const result = await schedule(
      name,
      later(++batches, [now + 2700, now + 2600, now + HOUR_MS], ["", "u1\nk", ""]),
    );
    expect(result.waiting.nextInMs).toBeLessThanOrEqual(2600);
    expect((await deliverDue(name)).lateMs).toEqual([]);
    await waitFor("their time", () => Date.now() > now + 2710);
    const answers = await Promise.all([
      deliverDue(name),
      deliverDue(name, b),
      deliverDue(name),
      deliverDue(name, b),
    ]);
    const late = answers.flatMap(({ lateMs }) => lateMs);
    expect(late).toHaveLength(2);
    expect(Math.min(...late)).toBeGreaterThanOrEqual(0);
    for (const { waiting } of answers) expect(waiting).toMatchObject({ nextAt: now + HOUR_MS, count: 1 });
    const entries = await connection.client.xrange(streamKey(name), "-", "+");
    expect(entries.map(([, fields]) => [fields[5], fields.at(-2), fields.at(-1)])).toEqual([
      [`at ${now + 2600}`, "scheduled", "2"],
      [`at ${now + 2700}`, "scheduled", "1"],
    ]);
    for (const [, fields] of entries) expect(Number(fields[1])).toBeGreaterThanOrEqual(now + 2700);
    const heard = () => messages.filter((message) => message.room === name && message.count > 0);
    await waitFor("the message", () => heard().length > 0);
    expect(heard()).toHaveLength(1);
    expect(heard()[0]).toMatchObject({ first: 1, count: 2, scheduled: [2, 1] });
    // A hole is filled with the same numbers.
    const stretch = await answer<{ scheduled?: ReadonlyMap<number, number> }>((onDone) =>
      a.read(name, 0, 9, 9, onDone),
    );
    expect([...(stretch.scheduled ?? [])]).toEqual([
      [1, 2],
      [2, 1],
    ]);
    expect((await schedule(name, later(++batches, [now + HOUR_MS], ["u1\nk"]))).outcomes).toMatchObject([
      { kind: "repeat", offset: 1 },
    ]);
    await cancel(name, 3);
    await waitFor("the word of it", () => cancelled.includes(3));
  });

  test("a time that has come is not for waiting, and a room holds so many", async () => {
    const name = room();
    const at = Date.now() + HOUR_MS;
    expect((await schedule(name, later(++batches, [1, at]))).outcomes).toMatchObject([
      { kind: "due" },
      { kind: "waits", scheduled: 1 },
    ]);
    const many = Array.from({ length: 1000 }, () => at);
    for (let left = ROOM_LIMITS.scheduledPerRoomMax - 1; left > 0; left -= 1000) {
      const { outcomes } = await schedule(name, later(++batches, many.slice(0, left)));
      expect(outcomes.every(({ kind }) => kind === "waits")).toBe(true);
    }
    expect((await schedule(name, later(++batches, [at]))).outcomes).toEqual([{ kind: "full" }]);
    await cancel(name, 1);
    expect((await schedule(name, later(++batches, [at]))).outcomes).toMatchObject([{ kind: "waits" }]);
  });

  test("one node looks after a room at a time; what is added meanwhile is news to it, and is not struck off", async () => {
    await connection.client.flushall();
    const name = room();
    const soon = Date.now() + 1500;
    const first = await schedule(name, later(++batches, [soon]));
    const mine = await claim(a);
    expect(mine).toMatchObject({ claimed: [{ room: name }], count: 1, bytes: first.waiting.bytes });
    expect((await claim(b)).claimed).toEqual([]);
    const held = (waiting: SharedWaiting, by = mine.claimed[0]!): Held => ({ ...by, waiting });
    const renewed = await claim(a, [held(first.waiting)]);
    expect(renewed).toMatchObject({ claimed: [], kept: [{ room: name }], released: [] });
    expect(renewed.kept[0]!.claim).not.toBe(mine.claimed[0]!.claim);
    // It found the room empty, and something was added before it could say so.
    await cancel(name, 1);
    const next = await schedule(name, later(++batches, [soon + HOUR_MS]), b);
    const empty = { nextInMs: undefined, nextAt: 0, count: 0, bytes: 0 };
    const told = await claim(a, [held(empty, renewed.kept[0])]);
    expect(told).toMatchObject({ claimed: [{ room: name }], kept: [], released: [] });
    // What is due much later waits for anybody.
    expect(await claim(a, [held(next.waiting, told.claimed[0])])).toMatchObject({
      released: [name],
      claimed: [],
    });
    expect((await claim(b)).claimed).toEqual([]);
    // One that leaves says so, and another goes on at once.
    await schedule(name, later(++batches, [soon]));
    const last = await claim(a);
    expect(last.claimed).toMatchObject([{ room: name }]);
    await claim(a, [{ ...last.claimed[0]!, waiting: undefined }], true);
    const taken = await claim(b);
    expect(taken.claimed).toMatchObject([{ room: name }]);
    expect((await claim(a, [{ ...last.claimed[0]!, waiting: undefined }])).released).toEqual([name]);
    await cancel(name, 2);
    await cancel(name, 3);
    expect(await claim(b, [held(empty, taken.claimed[0])])).toMatchObject({
      released: [name],
      count: 0,
      bytes: 0,
    });
  });

  test("a server that came back gives no number again", async () => {
    const name = room();
    const at = Date.now() + HOUR_MS;
    await schedule(name, later(++batches, [at]));
    await server.restart();
    await waitFor("the connection", () => connection.isReady);
    expect((await schedule(name, later(++batches, [at]))).outcomes).toMatchObject([
      { scheduled: 2 + REDIS_LIMITS.scheduledBurn },
    ]);
    // Numbers are remembered for a while when nothing waits, and without end while something does.
    expect(await connection.client.pttl(waitingRecordsKey(name))).toBe(-1);
    await cancel(name, 1);
    await cancel(name, 2 + REDIS_LIMITS.scheduledBurn);
    expect(await connection.client.exists(waitingKey(name))).toBe(0);
    expect(await connection.client.pttl(waitingRecordsKey(name))).toBeGreaterThan(0);
    expect(await list(name)).toEqual([]);
  });
});

function answer<Result>(ask: (onDone: OnShared<Result>) => void): Promise<Result> {
  return new Promise((resolve, reject) => {
    ask((result) => (result instanceof Error ? reject(result) : resolve(result)));
  });
}
