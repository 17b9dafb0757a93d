import type { HeartbeatState, Heartbeats } from "./heartbeats.ts";
import {
  HEARTBEAT_SILENT_MS_MAX,
  HEARTBEAT_STARTING_MS_MAX,
  HEARTBEAT_SYSTEM_CALL_MS_MAX,
  HEARTBEAT_TICK_MS_MAX,
} from "./limits.ts";

export interface HeartbeatLimits {
  /** Silence of a running thread, ms. Default 1000. */
  readonly silentMsMax?: number;
  /** From `starting` to the first beat, ms. Default 15,000. */
  readonly startingMsMax?: number;
  /** Length of one announced system call, ms. Default 30,000. */
  readonly systemCallMsMax?: number;
  /** The most that one tick adds to a silence, ms. Default 200; tick at least twice as often. */
  readonly tickMsMax?: number;
}

interface Seen {
  beats: number;
  state: HeartbeatState;
  silentMs: number;
}

/**
 * Finds the threads that have gone silent; private to `main`. Silence is added up tick by tick, and a tick adds
 * `tickMsMax` at most: where the watcher itself was held up (a long collection, a stopped machine), the others get the
 * chance to beat again before they are blamed for its absence.
 */
export class HeartbeatMonitor {
  readonly #heartbeats: Heartbeats;
  readonly #seen: Seen[] = [];
  readonly #silentMsMax: Readonly<Record<HeartbeatState, number>>;
  readonly #tickMsMax: number;
  #lastMs: number | undefined;

  constructor(heartbeats: Heartbeats, limits: HeartbeatLimits = {}) {
    this.#heartbeats = heartbeats;
    this.#silentMsMax = {
      stopped: Number.POSITIVE_INFINITY,
      starting: limits.startingMsMax ?? HEARTBEAT_STARTING_MS_MAX,
      running: limits.silentMsMax ?? HEARTBEAT_SILENT_MS_MAX,
      inSystemCall: limits.systemCallMsMax ?? HEARTBEAT_SYSTEM_CALL_MS_MAX,
    };
    this.#tickMsMax = limits.tickMsMax ?? HEARTBEAT_TICK_MS_MAX;
    for (let thread = 0; thread < heartbeats.threads; thread++) {
      this.#seen.push({ beats: heartbeats.beats(thread), state: heartbeats.state(thread), silentMs: 0 });
    }
  }

  /**
   * One tick. `nowMs` is of a monotonic clock. Returns the threads that have been silent for longer than their state
   * allows, again at every tick until they beat, stop or start anew.
   */
  watch(nowMs: number): readonly number[] {
    const passedMs = Math.min(Math.max(0, nowMs - (this.#lastMs ?? nowMs)), this.#tickMsMax);
    this.#lastMs = nowMs;
    const silent: number[] = [];
    this.#seen.forEach((seen, thread) => {
      const beats = this.#heartbeats.beats(thread);
      const state = this.#heartbeats.state(thread);
      if (beats !== seen.beats || state !== seen.state) {
        seen.beats = beats;
        seen.state = state;
        seen.silentMs = 0;
        return;
      }
      seen.silentMs += passedMs;
      if (seen.silentMs > this.#silentMsMax[state]) silent.push(thread);
    });
    return silent;
  }

  /** Forgets a thread's silence: `main` has just started it anew. */
  reset(thread: number): void {
    const seen = this.#seen[thread];
    if (seen !== undefined) seen.silentMs = 0;
  }

  /** How long the thread has been silent, ms. */
  silentMs(thread: number): number {
    return this.#seen[thread]?.silentMs ?? 0;
  }
}
