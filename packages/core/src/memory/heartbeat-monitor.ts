import type { HeartbeatState, Heartbeats } from "./heartbeats.ts";
import {
  HEARTBEAT_DOUBT_MS,
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
  /**
   * For how long a thread has waited for a processor in all its life, ms, as far as that is known. Asked only of threads
   * that are silent. Default: always 0.
   */
  readonly waitedMs?: (thread: number) => number;
}

interface Seen {
  beats: number;
  state: HeartbeatState;
  silentMs: number;
  /** What it had waited for a processor when its silence was first noticed, ms; undefined where it is not silent. */
  waitedMs: number | undefined;
}

/**
 * Finds the threads that have gone silent; private to `main`. Silence is added up tick by tick, and a tick adds
 * `tickMsMax` at most: where the watcher itself was held up (a long collection, a stopped machine), the others get the
 * chance to beat again before they are blamed for its absence. Nor is a thread to blame for the time in which it was
 * ready to run and got no processor: on a machine with too much to do, replacing it would only make more.
 */
export class HeartbeatMonitor {
  readonly #heartbeats: Heartbeats;
  readonly #seen: Seen[] = [];
  readonly #silentMsMax: Readonly<Record<HeartbeatState, number>>;
  readonly #tickMsMax: number;
  readonly #waitedMs: (thread: number) => number;
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
    this.#waitedMs = limits.waitedMs ?? (() => 0);
    for (let thread = 0; thread < heartbeats.threads; thread++) {
      const beats = heartbeats.beats(thread);
      this.#seen.push({ beats, state: heartbeats.state(thread), silentMs: 0, waitedMs: undefined });
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
        seen.waitedMs = undefined;
        return;
      }
      seen.silentMs += passedMs;
      if (state === "stopped" || seen.silentMs <= HEARTBEAT_DOUBT_MS) return;
      seen.waitedMs ??= this.#waitedMs(thread);
      if (seen.silentMs <= this.#silentMsMax[state]) return;
      const starvedMs = this.#waitedMs(thread) - seen.waitedMs;
      if (seen.silentMs - starvedMs > this.#silentMsMax[state]) silent.push(thread);
    });
    return silent;
  }

  /** Forgets a thread's silence: `main` has just started it anew. */
  reset(thread: number): void {
    const seen = this.#seen[thread];
    if (seen === undefined) return;
    seen.silentMs = 0;
    seen.waitedMs = undefined;
  }

  /** How long the thread has been silent, ms. */
  silentMs(thread: number): number {
    return this.#seen[thread]?.silentMs ?? 0;
  }
}
