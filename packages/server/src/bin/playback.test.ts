import { expect, test } from "bun:test";
import type { Message, Sent } from "@danmakud/client";
import { DanmakuError } from "@danmakud/wire";
import { Playback, type TimedMessage } from "./playback.ts";

const timed = (count: number, stepMs = 0): TimedMessage[] =>
  Array.from({ length: count }, (_, index) => ({
    atMs: 60_000 + index * stepMs,
    message: { content: `c${index}` },
  }));

/** A room that answers as told; undefined = an ack. */
function room(answer: (message: Message, tries: number) => DanmakuError | undefined = () => undefined) {
  const sent: Message[] = [];
  const tries = new Map<string, number>();
  const log = new Map<string, number>();
  return {
    sent,
    log,
    send: async (message: Message): Promise<Sent> => {
      sent.push(message);
      const key = message.key ?? "";
      const number = (tries.get(key) ?? 0) + 1;
      tries.set(key, number);
      const error = answer(message, number);
      await Bun.sleep(0);
      if (error !== undefined) throw error;
      if (!log.has(key)) log.set(key, log.size + 1);
      return { offset: log.get(key) ?? 0 };
    },
  };
}

test("everything is published in order under keys of its own, and silence at the start left out", async () => {
  const target = room();
  const playback = new Playback({
    messages: timed(50, 10),
    room: target,
    speed: 100,
    loop: false,
    keyPrefix: "k",
  });
  await playback.run();
  expect(target.sent.map(({ content }) => content)).toEqual(timed(50).map(({ message }) => message.content));
  expect(new Set(target.sent.map(({ key }) => key)).size).toBe(50);
  expect(playback.counts).toMatchObject({ published: 50, acked: 50, retried: 0 });
  expect(playback.inFlight).toBe(0);
});

test("as fast as possible keeps a bound on what is on its way", async () => {
  let mostInFlight = 0;
  const target = room(() => {
    mostInFlight = Math.max(mostInFlight, playback.inFlight);
    return undefined;
  });
  const playback = new Playback({
    messages: timed(3000),
    room: target,
    speed: 0,
    loop: false,
    keyPrefix: "k",
  });
  await playback.run();
  expect(playback.counts.acked).toBe(3000);
  expect(mostInFlight).toBeLessThanOrEqual(500);
});

test.each(["rate_limited", "overloaded", "unavailable"] as const)(
  "%s is tried again with the same key",
  async (code) => {
    const target = room((_message, tries) =>
      tries < 3 ? new DanmakuError(code, "not now", { retryAfterMs: 1 }) : undefined,
    );
    const playback = new Playback({
      messages: timed(5),
      room: target,
      speed: 0,
      loop: false,
      keyPrefix: "k",
    });
    await playback.run();
    expect(playback.counts).toMatchObject({ published: 5, acked: 5, retried: 10 });
    expect(playback.counts.refused.size).toBe(0);
    expect(target.log.size).toBe(5);
  },
);

test("a refusal for good is counted by code", async () => {
  const target = room(({ content }) =>
    content === "c1" ? new DanmakuError("content_rejected", "no") : undefined,
  );
  const playback = new Playback({ messages: timed(3), room: target, speed: 0, loop: false, keyPrefix: "k" });
  await playback.run();
  expect(playback.counts).toMatchObject({ published: 3, acked: 2 });
  expect([...playback.counts.refused]).toEqual([["content_rejected", 1]]);
});

test("a node that refuses everything is not asked to the end", async () => {
  const target = room(() => new DanmakuError("forbidden", "no service"));
  const playback = new Playback({
    messages: timed(5000),
    room: target,
    speed: 0,
    loop: false,
    keyPrefix: "k",
  });
  await playback.run();
  expect(target.sent.length).toBeLessThan(5000);
  expect(playback.counts).toMatchObject({ acked: 0, lastRefusal: { message: "no service" } });
});

test("a loop goes on with new keys until it is stopped, and ends with every answer in", async () => {
  const target = room(() => {
    if (target.sent.length === 10) playback.stop();
    return undefined;
  });
  const playback = new Playback({ messages: timed(3), room: target, speed: 0, loop: true, keyPrefix: "k" });
  await playback.run();
  expect(target.sent).toHaveLength(10);
  expect(new Set(target.sent.map(({ key }) => key)).size).toBe(10);
  expect(playback.counts.acked).toBe(10);
});

test("stopped in the middle of a long silence", async () => {
  const messages = [...timed(1), { atMs: 1e9, message: { content: "late" } }];
  const target = room();
  const playback = new Playback({ messages, room: target, speed: 1, loop: false, keyPrefix: "k" });
  const running = playback.run();
  while (playback.counts.acked < 1) await Bun.sleep(1);
  playback.stop();
  await running;
  expect(target.sent).toHaveLength(1);
});
