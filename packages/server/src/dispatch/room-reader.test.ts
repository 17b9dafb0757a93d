import { afterEach, expect, test } from "bun:test";
import type { ReadReply } from "../adapters/redis/index.ts";
import { DispatchRoom } from "./dispatch-room.ts";
import { READ_COUNT, READ_ROOMS_MAX, SINK_WAIT_MS } from "./limits.ts";
import { RoomDesk } from "./room-desk.ts";
import { RoomReader } from "./room-reader.ts";
import type { WorkerContext } from "./worker-context.ts";

/** Turns of the event loop in which a reader that may read would have done so. */
const TURNS = 40;
let stop: () => Promise<void> = async () => {};
afterEach(() => stop());

/** A reader of one room, of which every read brings so many entries; the clock stands still. */
function startReader(perRead: number) {
  const desk = new RoomDesk();
  const room = new DispatchRoom("r", 1, "1");
  desk.add(room);
  room.phase = "ready";
  const state = {
    reads: 0,
    nowMs: 0,
    isSinkFree: true,
    isHeld: true,
    isHeldAfterRead: true,
    onRead: () => {},
  };
  desk.isSinkFree = () => state.isSinkFree;
  const fields = ["timestamp", "1", "uid", "u", "content", "c"];
  const read = async (): Promise<ReadReply> => {
    const first = state.reads++ * perRead + 1;
    state.isHeld = state.isHeldAfterRead;
    state.onRead();
    const entries = Array.from({ length: perRead }, (_, at) => ({ id: `${first + at}-0`, fields }));
    return { rooms: [["r", entries]], withoutGroup: [] };
  };
  const reader = new RoomReader({
    desk,
    store: { isReady: true, readsMany: true, read, stopWaiting: async () => {} },
    metrics: { noteAge: () => {}, read: { inc: () => {} } },
    holds: () => state.isHeld,
    now: () => state.nowMs,
    wallClock: () => 0,
    random: () => 0,
    log: { info: () => {}, warn: () => {}, error: () => {} },
  } as unknown as WorkerContext);
  const running = reader.run();
  stop = async () => {
    reader.stop();
    await running;
  };
  const untilRead = async (times: number): Promise<void> => {
    while (state.reads < times) await Bun.sleep(1);
  };
  const takeAll = (): void => {
    for (const part of desk.takeBatch(10_000) ?? []) desk.finish(part);
  };
  return { desk, room, state, untilRead, takeAll };
}

test("a trickle is read when a sink is free, and not while all are at work", async () => {
  const { desk, room, state, untilRead, takeAll } = startReader(1);
  state.isSinkFree = false;
  desk.ring(room);
  for (let turn = 0; turn < TURNS; turn++) await Bun.sleep(2);
  expect(state.reads).toBe(0);
  state.isSinkFree = true;
  desk.sinkFree.wake();
  await untilRead(1);
  takeAll();
  desk.ring(room);
  await untilRead(2);
});

test("rooms beyond those of one read are read at once, and not when it is time to read again", async () => {
  const { desk, room, state, untilRead } = startReader(1);
  const others = Array.from({ length: READ_ROOMS_MAX }, (_, at) => new DispatchRoom(`r${at}`, 1, "1"));
  for (const other of others) {
    desk.add(other);
    other.phase = "ready";
  }
  for (const each of [room, ...others]) desk.ring(each);
  await untilRead(1);
  for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => setImmediate(resolve));
  expect(state.reads).toBe(2);
  expect(desk.dueRooms).toBe(0);
});

test("rooms that become due within a round end it: what comes next is gathered", async () => {
  const { desk, room, state, untilRead, takeAll } = startReader(1);
  const others = Array.from({ length: READ_ROOMS_MAX + 10 }, (_, at) => new DispatchRoom(`r${at}`, 1, "1"));
  for (const other of others) {
    desk.add(other);
    other.phase = "ready";
  }
  const late = others.splice(READ_ROOMS_MAX);
  state.onRead = () => {
    for (const other of late.splice(0)) desk.ring(other);
  };
  for (const each of [room, ...others]) desk.ring(each);
  await untilRead(2);
  // How many turns of the event loop pass before what is due is read; a wait is many of them.
  const turns: number[] = [];
  for (let round = 0; round < 5; round++) {
    takeAll();
    desk.ring(room);
    const reads = state.reads;
    let passed = 0;
    for (; state.reads === reads; passed++) await new Promise((resolve) => setImmediate(resolve));
    turns.push(passed);
  }
  expect(Math.max(...turns)).toBeGreaterThan(20);
});

test("a sink that takes long is read ahead for", async () => {
  const { desk, room, state } = startReader(1);
  state.isSinkFree = false;
  desk.ring(room);
  for (; state.reads === 0; state.nowMs += SINK_WAIT_MS / 10) await Bun.sleep(1);
  expect(room.queue).toHaveLength(1);
});

test("a backlog is read ahead of the sinks", async () => {
  const { desk, room, state, untilRead, takeAll } = startReader(READ_COUNT);
  desk.ring(room);
  await untilRead(1);
  state.isSinkFree = false;
  takeAll(); // makes place
  await untilRead(2);
});

test("what was read when the lease had run out is claimed before anything else is read, should it be prolonged", async () => {
  const { desk, room, state, untilRead } = startReader(READ_COUNT);
  state.isHeldAfterRead = false;
  desk.ring(room);
  await untilRead(1);
  await Bun.sleep(2);
  expect(room.queue).toEqual([]);
  state.isHeld = true;
  desk.ring(room);
  for (let turn = 0; turn < TURNS; turn++) await Bun.sleep(2);
  expect(state.reads).toBe(1);
  expect(room).toMatchObject({ phase: "new", claimIdleMs: 0 });
  expect(desk.toAttach.has(room)).toBe(true);
});

test("a room whose lease has run out is read when it is prolonged", async () => {
  const { desk, room, state, untilRead } = startReader(1);
  state.isHeld = false;
  desk.ring(room);
  for (let turn = 0; turn < TURNS; turn++) await Bun.sleep(2);
  expect(state.reads).toBe(0);
  state.isHeld = true;
  await untilRead(1);
});
