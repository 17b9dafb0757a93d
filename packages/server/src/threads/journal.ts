/** Thread that writes the log: from the broadcast ring to SQLite. */
import { BroadcastConsumer, Signal } from "@danmakud/core/memory";
import { StoreError } from "@danmakud/core/ports";
import { Journal } from "@danmakud/core/rooms";
import { openWriter, type StoreWriter } from "../adapters/sqlite/index.ts";
import type { ServeOptions } from "../config/index.ts";
import { BURN, journalConsumer } from "./shared-memory.ts";
import { clock, runLoop, runThread, say, type ThreadContext } from "./thread.ts";

runThread(async (context, messages) => {
  const { memory, options, thread } = context.start;
  const log = open(context, options);
  if (log === undefined) return;
  const broadcast = new BroadcastConsumer(memory.broadcast, journalConsumer(memory));
  broadcast.attachAtHead();
  context.durable.position = broadcast.position;
  const gateways = [...memory.ingress.keys()].map((gateway) => new Signal(memory.signals, gateway));
  const journal = new Journal({
    broadcast,
    log,
    clock,
    counters: context.counters,
    onDurable: (position) => {
      if (position === context.durable.position) return;
      context.durable.position = position;
      for (const gateway of gateways) gateway.wake();
    },
    onFailing: (cause) => {
      context.durable.isFailing = cause !== undefined;
      for (const gateway of gateways) gateway.wake();
      if (cause === undefined) say({ type: "log", level: "info", message: "the log can be written again" });
      else
        say({
          type: "log",
          level: "error",
          message: "the log cannot be written; trying again",
          detail: textOf(cause),
        });
    },
    beforeCommit: () => context.heartbeats.enterSystemCall(thread),
    afterCommit: () => context.heartbeats.leaveSystemCall(thread),
  });
  let isStopping = false;
  messages.stop = () => {
    isStopping = true;
  };
  const note = log.unclean ? `the last stop was unclean; generation ${log.generation}` : undefined;
  say({ type: "ready", ...(note === undefined ? undefined : { note }) });

  const loop = {
    turn: () => clock.monotonic() >= journal.dueAt() && journal.turn(),
    isIdle: () => journal.isIdle(),
    // When the group has gathered, or, one that failed, when it is tried again. Nothing to write: when something comes.
    nextDueAt: () => Math.max(journal.dueAt(), clock.monotonic() + (journal.isIdle() ? IDLE_MS : 0)),
    // While a group gathers, each record that joins it need not wake the thread.
    canWait: () => journal.isGathering(),
    tick: () => journal.expireKeys(),
  };
  await runLoop(context, loop, () => isStopping && journal.isIdle());
  log.close();
  context.heartbeats.stop(thread);
  say({ type: "stopped" });
});

function open(context: ThreadContext, options: ServeOptions): StoreWriter | undefined {
  const { data: dir, durability, retain } = options;
  // Opening may check or bring up to date a large file.
  context.heartbeats.enterSystemCall(context.start.thread);
  try {
    return openWriter({ dir, durability, retain, burn: BURN, bootId: context.start.bootId, now: clock.now });
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    say({ type: "failed", kind: error.kind, message: error.message });
    return undefined;
  } finally {
    context.heartbeats.leaveSystemCall(context.start.thread);
  }
}

function textOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

/** Beyond any beat: an idle journal has nothing due. */
const IDLE_MS = 60_000;
