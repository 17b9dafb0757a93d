/** Thread that owns the rooms: from the gateways' ingress rings to the broadcast ring. */
import { BroadcastProducer, IngressConsumer, Signal } from "@danmakud/core/memory";
import { Sequencer } from "@danmakud/core/rooms";
import { openReader } from "../adapters/sqlite/index.ts";
import { announceReads } from "./announced-reader.ts";
import { journalThread } from "./shared-memory.ts";
import { Shrink } from "./shrink.ts";
import { clock, random, runLoop, runThread, say } from "./thread.ts";

runThread(async (context, messages) => {
  const { memory, options } = context.start;
  const ingress = memory.ingress.map((ring) => new IngressConsumer(ring));
  const broadcast = new BroadcastProducer(memory.broadcast);
  const log = announceReads(openReader({ dir: options.data }), context);
  const sequencer = new Sequencer({
    ingress,
    broadcast,
    log,
    clock,
    timers: context.timers,
    random,
    counters: context.counters,
    durablePosition: () => context.durable.position,
    roomsMax: options.roomsMax,
    roomTtlMs: options.roomTtlS * 1000,
    roomLingerMs: options.roomLingerMs,
  });
  const readers = [...memory.ingress.keys(), journalThread(memory)].map(
    (thread) => new Signal(memory.signals, thread),
  );
  let isStopping = false;
  messages.gatewayGone = ({ gateway }) => sequencer.gatewayGone(gateway);
  messages.list = ({ gateway, id, after, limit }) => {
    say({ type: "rooms", gateway, id, rooms: sequencer.list(after, limit) });
  };
  messages.stop = () => {
    isStopping = true;
  };
  const late = sequencer.overdue();
  const note =
    late === 0
      ? undefined
      : `${late} scheduled danmaku came due while the node was down; they are delivered now`;
  say({ type: "ready", ...(note === undefined ? undefined : { note }) });

  const wakeReaders = () => {
    for (const reader of readers) reader.wake();
  };
  const isIdle = () => ingress.every((ring) => ring.isEmpty());
  const shrink = new Shrink();
  const loop = {
    turn: () => {
      if (sequencer.turn()) wakeReaders();
      return !isIdle() && sequencer.canMove();
    },
    // A full broadcast ring leaves entries where they are; then it is for the readers to move first.
    isIdle: () => isIdle() || !sequencer.canMove(),
    nextDueAt: () => {
      const waitMs = Math.max(sequencer.nextDueInMs, sequencer.canMove() ? 0 : FULL_RETRY_MS);
      return clock.monotonic() + (isIdle() ? waitMs : FULL_RETRY_MS);
    },
    tick: () => {
      const before = broadcast.position;
      sequencer.tick();
      shrink.look(sequencer.openRooms, clock.monotonic());
      if (broadcast.position !== before) wakeReaders();
    },
  };
  await runLoop(context, loop, () => isStopping && isIdle());
  log.close();
  context.heartbeats.stop(context.start.thread);
  say({ type: "stopped" });
});

/** How soon to look again for room in a full broadcast ring. */
const FULL_RETRY_MS = 1;
