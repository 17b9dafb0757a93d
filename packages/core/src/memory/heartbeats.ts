import { assert } from "./assert.ts";
import { MEMORY_THREADS_MAX } from "./limits.ts";

/**
 * Layout: one line of 32 words (128 bytes, see `ring-descriptor.ts`) per thread.
 *
 *      word 0   beats, a counter that wraps
 *      word 1   state, one of HEARTBEAT_STATE
 */
const LINE_WORDS = 32;
const BEATS = 0;
const STATE = 1;

/**
 * What a thread says of itself.
 * - `stopped`: not there, or going on purpose; silence is right.
 * - `starting`: asked for by `main`; has not run a turn yet.
 * - `running`: beats every turn.
 * - `inSystemCall`: announced that it blocks (the journal's commit); silence may last longer.
 */
export const HEARTBEAT_STATE = { stopped: 0, starting: 1, running: 2, inSystemCall: 3 } as const;
export type HeartbeatState = keyof typeof HEARTBEAT_STATE;

const NAMES: readonly HeartbeatState[] = ["stopped", "starting", "running", "inSystemCall"];

/** Makes the heartbeats of `threads` threads, all `stopped`. */
export function createHeartbeats(threads: number): SharedArrayBuffer {
  assert(threads >= 1 && threads <= MEMORY_THREADS_MAX, `1 to ${MEMORY_THREADS_MAX} threads, not ${threads}`);
  return new SharedArrayBuffer(threads * LINE_WORDS * 4);
}

/**
 * The pulse of every thread, in shared memory.
 *
 * Thread contract: a thread writes its own line (`beat`, `enterSystemCall`, `leaveSystemCall`, `stop`) and `main` reads
 * all. `starting` and `stop` are also `main`'s, while the thread is not there: before it starts, after it was
 * terminated. The atomics only keep the stores from being delayed for ever; nothing else is published by them.
 */
export class Heartbeats {
  readonly threads: number;
  readonly #words: Int32Array<SharedArrayBuffer>;

  constructor(buffer: SharedArrayBuffer) {
    this.#words = new Int32Array(buffer);
    this.threads = this.#words.length / LINE_WORDS;
  }

  /** The thread turns. The first beat ends `starting`. Call it every turn, and at least a few times a second when idle. */
  beat(thread: number): void {
    const line = thread * LINE_WORDS;
    Atomics.store(this.#words, line + BEATS, ((this.#words[line + BEATS] ?? 0) + 1) | 0);
    if (this.#words[line + STATE] !== HEARTBEAT_STATE.running) this.#set(thread, "running");
  }

  /** The thread is about to block in the kernel. */
  enterSystemCall(thread: number): void {
    this.#set(thread, "inSystemCall");
  }

  /** It is back; counts as a beat. */
  leaveSystemCall(thread: number): void {
    this.beat(thread);
  }

  /** `main` is about to start the thread. */
  starting(thread: number): void {
    this.#set(thread, "starting");
  }

  /** The thread ends on purpose, or is gone. */
  stop(thread: number): void {
    this.#set(thread, "stopped");
  }

  state(thread: number): HeartbeatState {
    return NAMES[Atomics.load(this.#words, thread * LINE_WORDS + STATE)] ?? "stopped";
  }

  /** Turns of the thread so far; wraps. */
  beats(thread: number): number {
    return Atomics.load(this.#words, thread * LINE_WORDS + BEATS);
  }

  #set(thread: number, state: HeartbeatState): void {
    Atomics.store(this.#words, thread * LINE_WORDS + STATE, HEARTBEAT_STATE[state]);
  }
}
