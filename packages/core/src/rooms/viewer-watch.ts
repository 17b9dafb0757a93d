/**
 * Looks after viewers by the clock: pings the silent, closes the dead and the stuck. A viewer has one timer, which is not
 * touched when it is heard: it fires, looks when that was, and waits for the rest.
 */
import { CLOSE_CODES } from "@danmakud/wire";
import type { ThreadTimers, TimerKind } from "../timing/index.ts";
import { NO_TIMER } from "../timing/index.ts";
import type { GatewayContext } from "./gateway-context.ts";
import type { ViewerId, ViewerSink } from "./hub.ts";
import { ROOM_LIMITS } from "./limits.ts";
import { METRICS } from "./metrics.ts";
import { ViewerState, type ViewerTable } from "./viewer-table.ts";

/**
 * Viewers that came together fall due together, and each ping is a write and an answer: they go out so far apart that all
 * viewers are pinged in this time. With what `pingAfterMs` takes, that ends well before a silence counts.
 */
const PINGS_ROUND_MS = 15_000;
/** So many may go out at once all the same, where few went before. */
const PINGS_BURST = 32;
/**
 * The look after a ping is so much later than the next one would be due: the answer is heard a moment after the ping, so
 * one look does for both, and a ping with its answer is what an idle connection costs.
 */
const ANSWER_MS = 5000;
/** So long a viewer has to answer at least, however late it was asked. */
const ANSWER_MS_MIN = 10_000;

export class ViewerWatch {
  readonly #context: GatewayContext;
  readonly #timers: ThreadTimers;
  readonly #table: ViewerTable;
  readonly #look: TimerKind;
  readonly #ping: TimerKind;
  readonly #stuck: TimerKind;
  /** When the last ping that was given a time goes out, monotonic ms. */
  #pingAt = Number.NEGATIVE_INFINITY;

  constructor(context: GatewayContext, table: ViewerTable) {
    const { timers } = context;
    this.#context = context;
    this.#timers = timers;
    this.#table = table;
    this.#look = timers.coarse((viewer, now) => this.#looked(viewer, now, false));
    this.#ping = timers.coarse((viewer, now) => this.#looked(viewer, now, true));
    this.#stuck = timers.coarse((viewer, now) => this.#closeIfStuck(viewer, now));
    timers.onStall((stalledMs, now) => this.#forgive(stalledMs, now));
  }

  /** A new viewer has taken the row. */
  joined(viewer: ViewerId, now: number): void {
    this.#wait(viewer, now + ROOM_LIMITS.pingAfterMs);
  }

  left(viewer: ViewerId): void {
    const { watchTimer } = this.#table;
    this.#timers.cancel(watchTimer[viewer] as number);
    watchTimer[viewer] = NO_TIMER;
  }

  /**
   * The viewer's socket is full. Slow ones fill theirs again and again: the timer of the first time stays, and so it does
   * when the viewer leaves; it looks at whoever has the row by then, early at worst.
   */
  blocked(viewer: ViewerId, now: number): void {
    const { blockedAt, stuckWatched } = this.#table;
    blockedAt[viewer] = now;
    if (stuckWatched[viewer] === 1) return;
    stuckWatched[viewer] = 1;
    this.#timers.set(now + ROOM_LIMITS.blockedMsMax, this.#stuck, viewer);
  }

  #wait(viewer: ViewerId, until: number, kind = this.#look): void {
    this.#table.watchTimer[viewer] = this.#timers.set(until, kind, viewer);
  }

  /** @param hasTurn The viewer was given this time for its ping. */
  #looked(viewer: ViewerId, now: number, hasTurn: boolean): void {
    const { sinks, heardAt, rooms, pingOwed } = this.#table;
    const sink = sinks[viewer] as ViewerSink;
    this.#table.watchTimer[viewer] = NO_TIMER;
    // Of those whose transport takes no pings, no signs of life are asked.
    if (sink.ping === undefined) return;
    const heard = heardAt[viewer] as number;
    const silence = now - heard;
    const { pingAfterMs, pingWithFrameMs, pingAtLatestMs, silenceMsMax } = ROOM_LIMITS;
    if (silence >= silenceMsMax) {
      this.#closeIfAsked(viewer, now, heard);
      return;
    }
    const passedAt = rooms[viewer]?.passedAt ?? Number.NEGATIVE_INFINITY;
    if (silence < pingAfterMs) this.#wait(viewer, heard + pingAfterMs);
    else if (now - passedAt >= pingAfterMs || silence >= pingAtLatestMs)
      this.#pingInTurn(viewer, now, hasTurn);
    else if (silence < pingWithFrameMs)
      this.#wait(viewer, Math.min(heard + pingWithFrameMs, passedAt + pingAfterMs));
    else {
      pingOwed[viewer] = 1;
      this.#wait(viewer, Math.min(heard + pingAtLatestMs, passedAt + pingAfterMs));
    }
  }

  /** Closes a silent viewer that had time to answer; a thread with more to do than it can asks late, and that is not its silence. */
  #closeIfAsked(viewer: ViewerId, now: number, heard: number): void {
    const askedAt = this.#table.askedAt[viewer] as number;
    if (askedAt <= heard) this.#pingInTurn(viewer, now, true);
    else if (now - askedAt < ANSWER_MS_MIN) this.#wait(viewer, askedAt + ANSWER_MS_MIN);
    else {
      // Should the end of the connection not be told, it is tried again.
      this.#wait(viewer, now + ROOM_LIMITS.pingAfterMs);
      this.#table.sinks[viewer]?.close(CLOSE_CODES.heartbeat_timeout, "no sign of life");
    }
  }

  #pingInTurn(viewer: ViewerId, now: number, hasTurn: boolean): void {
    const { sinks, heardAt, askedAt, pingOwed, count } = this.#table;
    if (!hasTurn) {
      const apartMs = PINGS_ROUND_MS / count;
      this.#pingAt = Math.max(this.#pingAt + apartMs, now - PINGS_BURST * apartMs);
      if (this.#pingAt > now) {
        this.#wait(viewer, this.#pingAt, this.#ping);
        return;
      }
    }
    pingOwed[viewer] = 0;
    const silenceEndsAt = (heardAt[viewer] as number) + ROOM_LIMITS.silenceMsMax;
    const lookAt = Math.min(now + ROOM_LIMITS.pingAfterMs + ANSWER_MS, silenceEndsAt);
    this.#wait(viewer, Math.max(lookAt, now + ANSWER_MS_MIN));
    askedAt[viewer] = now;
    sinks[viewer]?.ping?.();
  }

  /** Closes a viewer that has taken nothing for too long. */
  #closeIfStuck(viewer: ViewerId, now: number): void {
    const { state, blockedAt, stuckWatched, sinks } = this.#table;
    stuckWatched[viewer] = 0;
    if (state[viewer] !== ViewerState.blocked) return;
    const until = (blockedAt[viewer] as number) + ROOM_LIMITS.blockedMsMax;
    const isStuck = now >= until;
    // Should the end of the connection not be told, it is tried again.
    stuckWatched[viewer] = 1;
    this.#timers.set(isStuck ? now + ROOM_LIMITS.blockedMsMax : until, this.#stuck, viewer);
    if (!isStuck) return;
    this.#context.counters.add(METRICS.slowClosed, 1);
    sinks[viewer]?.close(CLOSE_CODES.slow_consumer, "nothing was read for too long");
  }

  /** While this thread stood still nobody could be heard, and nobody's socket drained. */
  #forgive(stalledMs: number, now: number): void {
    const { heardAt, blockedAt, rows } = this.#table;
    for (let viewer = 0; viewer < rows; viewer++) {
      heardAt[viewer] = Math.min(now, (heardAt[viewer] as number) + stalledMs);
      blockedAt[viewer] = Math.min(now, (blockedAt[viewer] as number) + stalledMs);
    }
  }
}
