/** Thread that owns sockets: WebSocket, HTTP and SSE on the node's port, over its own view of the rooms. */
import { deflateRawSync } from "node:zlib";
import { BroadcastConsumer, IngressProducer, Signal } from "@danmakud/core/memory";
import { HandshakeGate, SharedUserWindow } from "@danmakud/core/policy";
import type { RoomLogReader } from "@danmakud/core/ports";
import { GatewayHub } from "@danmakud/core/rooms";
import { TimedCalls } from "@danmakud/core/timing";
import { PAGE_CSP } from "@danmakud/web";
import { createHttpHandler } from "../adapters/http/index.ts";
import { openReader } from "../adapters/sqlite/index.ts";
import { createWebSocketFace } from "../adapters/websocket/index.ts";
import { createAuthenticator, requestUrl } from "../auth/index.ts";
import { startDemo } from "../demo/index.ts";
import { announceReads } from "./announced-reader.ts";
import { Drain } from "./drain.ts";
import { Listener } from "./listener.ts";
import { RoomLists } from "./room-lists.ts";
import { sequencerThread } from "./shared-memory.ts";
import { Shrink } from "./shrink.ts";
import { clock, random, report, runLoop, runThread, say, type ThreadContext } from "./thread.ts";

runThread(async (context, messages) => {
  const { options, port, thread, pages } = context.start;
  let isServing = false;
  // A stop may come while the thread is still starting.
  let isStopAsked = false;
  messages.stop = () => {
    isStopAsked = true;
  };
  messages.serving = () => {
    isServing = true;
  };
  const calls = new TimedCalls(context.timers, clock);
  const lists = new RoomLists(calls);
  messages.rooms = ({ id, rooms }) => lists.answer(id, rooms);
  const { hub, end } = createHub(context, lists, await openLog(context));
  const drain = new Drain(hub, clock);
  const auth = await createAuthenticator(options, (message) => say({ type: "log", level: "warn", message }));
  const gate = createGate(context);
  const face = createWebSocketFace(hub, auth, options, gate);
  const http = createHttpHandler({
    hub,
    ...(gate === undefined ? undefined : { gate }),
    auth,
    options,
    timers: calls,
    pages,
    pageCsp: PAGE_CSP,
    log: { error: (fields, message) => report(`${message}: ${fields.method} ${fields.path}`, fields.err) },
    unready: () => {
      if (!isServing) return "starting";
      if (drain.isBegun) return "draining";
      return context.durable.isFailing ? "the log cannot be written" : undefined;
    },
  });
  const listener = new Listener(options, port, face.handler, async (request, server) => {
    const url = requestUrl(request);
    return url !== undefined && face.owns(request, url)
      ? face.upgrade(request, url, server)
      : http(request, server);
  });
  listener.open();
  const demo = options.demo && thread === 0 ? await startDemo(hub) : undefined;
  messages.stop = () => {
    demo?.stop();
    listener.close();
    gate?.close();
    drain.begin();
  };
  if (isStopAsked) messages.stop({ type: "stop" });
  say({ type: "ready", port: listener.port });
  const shrink = new Shrink();
  const loop = {
    turn: () => {
      const admitting = gate?.turn() ?? false;
      return hub.turn() || admitting;
    },
    isIdle: () => hub.isIdle(),
    nextDueAt: () => Math.min(hub.nextDueAt(), gate?.nextDueAt() ?? Number.POSITIVE_INFINITY),
    tick: () => {
      hub.tick();
      shrink.look(hub.viewers + hub.watchedRooms, clock.monotonic());
      drain.tick();
    },
  };
  await runLoop(context, loop, () => drain.isOver);
  end();
  context.heartbeats.stop(thread);
  say({ type: "stopped" });
});

/** Undefined where nothing is limited. */
function createGate({ start, signal, counters }: ThreadContext): HandshakeGate | undefined {
  const { limits, handshakesPerSecond: perSecond } = start.options;
  if (!limits) return undefined;
  return new HandshakeGate({ perSecond, clock, random, counters, onWaiting: () => signal.wake() });
}

/** The log of this node's own, or the one it shares. */
async function openLog(context: ThreadContext): Promise<RoomLogReader> {
  const { options } = context.start;
  if (options.redis === undefined) return announceReads(openReader({ dir: options.data }), context);
  // Loaded only where it is used: the client's code takes some 10 MB in every thread.
  const { openRedisReader } = await import("../adapters/redis/open-redis-reader.ts");
  return openRedisReader(options.redis);
}

/** The hub, and what to let go of when the thread ends. */
function createHub(
  context: ThreadContext,
  lists: RoomLists,
  log: RoomLogReader,
): { readonly hub: GatewayHub; readonly end: () => void } {
  const { memory, thread, incarnation, options } = context.start;
  const broadcast = new BroadcastConsumer(memory.broadcast, thread);
  broadcast.attachAtHead();
  const sequencer = new Signal(memory.signals, sequencerThread(memory));
  const hub = new GatewayHub({
    gateway: thread,
    incarnation,
    ingress: new IngressProducer(memory.ingress[thread] as SharedArrayBuffer),
    broadcast,
    wakeSequencer: () => sequencer.wake(),
    wakeSelf: () => context.signal.wake(),
    durablePosition: () => context.durable.position,
    isJournalFailing: () => context.durable.isFailing,
    log,
    isLogShared: options.redis !== undefined,
    // Speed over size: a pass waits for it.
    deflate: (bytes) => deflateRawSync(bytes, { level: 1 }),
    clock,
    timers: context.timers,
    counters: context.counters,
    listRooms: (after, limit) => lists.ask(after, limit),
    report,
    limits: options.limits,
    users: memory.users && new SharedUserWindow(memory.users.window, memory.users.seed),
    contentMax: options.contentMax,
    roomLingerMs: options.roomLingerMs,
    latencyTargetMs: options.latencyTargetMs,
  });
  // The sequencer must not wait for a reader that is gone while other gateways are still busy.
  const end = () => {
    broadcast.detach();
    log.close();
  };
  return { hub, end };
}
