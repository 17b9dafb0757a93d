import { assert } from "./assert.ts";
import { MEMORY_THREADS_MAX } from "./limits.ts";

/** Layout: one line of 32 words (128 bytes, see `ring-descriptor.ts`) per thread; its first word is the sleeper's flag. */
const LINE_WORDS = 32;

const AWAKE = 0;
const ASLEEP = 1;

/** Makes the signals of `threads` threads, one each. */
export function createSignals(threads: number): SharedArrayBuffer {
  assert(threads >= 1 && threads <= MEMORY_THREADS_MAX, `1 to ${MEMORY_THREADS_MAX} threads, not ${threads}`);
  return new SharedArrayBuffer(threads * LINE_WORDS * 4);
}

/**
 * The bell of one thread: it sleeps until another has put something into one of its rings.
 *
 * Thread contract: `sleep` belongs to the one thread the signal is named after, `wake` to everybody. A wake-up cannot
 * get lost: the sleeper raises its flag and then looks at its rings, the waker commits to a ring and then looks at the
 * flag. All four steps are sequentially consistent atomics, so at least one of the two sees the other. The exchange in
 * `wake` lets exactly one of many wakers make the system call; while the thread is awake, a wake-up costs one load.
 * All waiters are notified, since one may be left of a thread that was terminated in its sleep.
 */
export class Signal {
  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #flag: number;
  #sleeping: Promise<void> | undefined;

  constructor(buffer: SharedArrayBuffer, thread: number) {
    this.#words = new Int32Array(buffer);
    this.#flag = thread * LINE_WORDS;
    assert(thread >= 0 && this.#flag < this.#words.length, `there is no signal ${thread}`);
  }

  /** Call after `commit` (or whatever else the thread is to look at). */
  wake(): void {
    if (Atomics.load(this.#words, this.#flag) === AWAKE) return;
    if (Atomics.exchange(this.#words, this.#flag, AWAKE) === ASLEEP) Atomics.notify(this.#words, this.#flag);
  }

  /**
   * Sleeps until `wake`, without blocking the thread's event loop. Returns undefined, and does not sleep, where
   * `stillIdle` finds work after the flag is up; it has to ask shared memory anew (`isEmpty` of the consumers). The
   * promise never rejects and may be early: look again, and sleep again. A second call during a sleep returns the sleep
   * that is on.
   *
   * There is no time-out: what is due at a time has a timer that calls `wake`. In Bun a `waitAsync` with one keeps some
   * 350 bytes until that time has passed, even when woken at once. A sleep alone does not keep a thread from ending,
   * which again a timer or a listener does.
   */
  sleep(stillIdle: () => boolean): Promise<void> | undefined {
    if (this.#sleeping !== undefined) return stillIdle() ? this.#sleeping : undefined;
    Atomics.store(this.#words, this.#flag, ASLEEP);
    if (!stillIdle()) {
      Atomics.store(this.#words, this.#flag, AWAKE);
      return undefined;
    }
    const wait = Atomics.waitAsync(this.#words, this.#flag, ASLEEP);
    if (!wait.async) {
      Atomics.store(this.#words, this.#flag, AWAKE);
      return undefined;
    }
    this.#sleeping = wait.value.then(() => {
      this.#sleeping = undefined;
      Atomics.store(this.#words, this.#flag, AWAKE);
    });
    return this.#sleeping;
  }
}
