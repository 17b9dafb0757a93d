import { afterEach, expect, test } from "bun:test";
import type { Attached, Claimed } from "../adapters/redis/index.ts";
import { DispatchRoom } from "./dispatch-room.ts";
import { RoomAttacher } from "./room-attacher.ts";
import { RoomDesk } from "./room-desk.ts";
import type { WorkerContext } from "./worker-context.ts";

let stop: () => Promise<void> = async () => {};
afterEach(() => stop());

/** An attacher of one room, whose every question is the test's to answer. */
function startAttacher() {
  const desk = new RoomDesk();
  const room = new DispatchRoom("r", 1, "1");
  const attaches: ((answer: Attached) => void)[] = [];
  const claims: number[] = [];
  const state = { isHeld: true };
  const attacher = new RoomAttacher({
    desk,
    store: {
      isReady: true,
      attach: () => new Promise<Attached>((resolve) => attaches.push(resolve)),
      claim: async (_room: string, _cursor: string, idleMs: number): Promise<Claimed> => {
        claims.push(idleMs);
        return { entries: [], trimmed: 0, cursor: "0-0" };
      },
    },
    metrics: { claimed: { inc: () => {} }, trimmed: { inc: () => {} } },
    holds: () => state.isHeld,
    now: () => 0,
    random: () => 0,
    log: { info: () => {}, warn: () => {}, error: () => {} },
  } as unknown as WorkerContext);
  const running = attacher.run();
  stop = async () => {
    attacher.stop();
    await running;
  };
  const served = (pending: number): Attached => ({
    ...{ status: "served", epoch: "e", epochFrom: -1, epochBefore: "", trying: undefined },
    ...{ pending, hasNew: false },
  });
  /** Answers the oldest question, when it has come. */
  const answer = async (pending: number): Promise<void> => {
    while (attaches.length === 0) await Bun.sleep(1);
    attaches.shift()?.(served(pending));
    await Bun.sleep(1);
  };
  desk.add(room);
  return { desk, room, state, attaches, claims, answer };
}

test("a read thrown away while a room is looked at has it looked at again before it is read on", async () => {
  const { desk, room, claims, answer } = startAttacher();
  await answer(0);
  expect(room.phase).toBe("ready");
  // Looked at in passing; the answer was on its way when the read was executed.
  desk.toAttach.add(room);
  desk.attachWanted.wake();
  await Bun.sleep(1);
  room.askClaim();
  desk.attach(room);
  await answer(0);
  expect(room.phase).toBe("new");
  await answer(3);
  expect(claims).toEqual([0]);
  expect(room.phase).toBe("ready");
});

test("a room whose lease has run out waits until it is prolonged", async () => {
  const { desk, room, state, attaches, answer } = startAttacher();
  await answer(0);
  state.isHeld = false;
  desk.attach(room);
  await Bun.sleep(5);
  expect(attaches).toHaveLength(0);
  state.isHeld = true;
  desk.attachWanted.wake();
  await answer(0);
  expect(room.phase).toBe("ready");
});
