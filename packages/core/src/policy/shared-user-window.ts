import { USER_MESSAGES_MAX, USER_WINDOW_MS, USERS_SHARED_MAX } from "./limits.ts";

/**
 * Layout: slots of 16 words, one cache line each.
 *
 *      word 0    tag of the user, 0 = never used
 *      word 1    number of the newest step in which it published
 *      word 2…   steps in a ring:  31 ………………………… 8 │ 7 … 0
 *                                  number of the step │ messages
 *
 * Time goes in steps of 500 ms; their numbers have 24 bits and wrap after 97 days.
 */
const SLOT_WORDS = 16;
const TAG = 0;
const NEWEST = 1;
const RING = 2;
const STEP_MS = 500;
const STEPS = USER_WINDOW_MS / STEP_MS;
const STEP_MASK = 0xff_ffff;
const COUNT_MASK = 0xff;
/** Slots looked at for a user. With half of them in use, all of these are others' for one user in 250. */
const PROBES = 8;

const NONE = -1;

/** Makes the memory for one node. `users` is a power of two. */
export function createUserWindow(users = USERS_SHARED_MAX): SharedArrayBuffer {
  return new SharedArrayBuffer(users * SLOT_WORDS * 4);
}

/**
 * What each user has published within the window, over all threads of a node: a hash table in shared memory. Beside the
 * exact window that each thread keeps by itself it makes the limit hold for users with connections on several threads.
 *
 * It counts in steps of 500 ms and forgets the oldest step when a new one begins, so across threads a user may publish
 * again up to 500 ms early; and threads that count at the same moment may each let one message pass. A user who finds no
 * slot is limited by each thread alone.
 *
 * Thread contract: every thread calls everything. Slots are taken over, and steps counted, by compare-and-swap; a count
 * that races with the taking over of a stale slot is lost or goes to the new user, one message either way.
 *
 * @hot runs once per message of a limited user; no allocation.
 */
export class SharedUserWindow {
  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #mask: number;
  readonly #seed: number;
  /** First word of the slot that the last `look` found, and its step. */
  #slot = NONE;
  #step = 0;

  /** @param seed The same for all threads, and nobody else's business: users must not choose who they share a slot with. */
  constructor(buffer: SharedArrayBuffer, seed: number) {
    this.#words = new Int32Array(buffer);
    this.#mask = this.#words.length / SLOT_WORDS - 1;
    this.#seed = seed | 0;
  }

  /**
   * Whether the user may publish one more. Returns 0 where it may, else the ms (at least 1) until it may.
   * @param nowMs Unix ms, the one clock that threads share.
   */
  look(uid: string, nowMs: number): number {
    const step = Math.floor(nowMs / STEP_MS) & STEP_MASK;
    this.#step = step;
    this.#slot = this.#find(uid, step);
    if (this.#slot === NONE) return 0;
    let messages = 0;
    let oldest = 0;
    for (let i = 0; i < STEPS; i++) {
      const word = Atomics.load(this.#words, this.#slot + RING + i);
      const age = (step - (word >>> 8)) & STEP_MASK;
      if (age >= STEPS || (word & COUNT_MASK) === 0) continue;
      messages += word & COUNT_MASK;
      if (age > oldest) oldest = age;
    }
    if (messages < USER_MESSAGES_MAX) return 0;
    return Math.max(1, Math.ceil((STEPS - oldest) * STEP_MS - (nowMs % STEP_MS)));
  }

  /** Counts one message of the user that `look` was last asked for. */
  count(): void {
    if (this.#slot === NONE) return;
    const words = this.#words;
    const step = this.#step;
    const at = this.#slot + RING + (step % STEPS);
    for (;;) {
      const word = Atomics.load(words, at);
      const messages = word >>> 8 === step ? word & COUNT_MASK : 0;
      if (messages === COUNT_MASK) return;
      if (Atomics.compareExchange(words, at, word, (step << 8) | (messages + 1)) === word) break;
    }
    Atomics.store(words, this.#slot + NEWEST, step);
  }

  /** The user's slot, its own or a stale one taken over; NONE where all are others'. */
  #find(uid: string, step: number): number {
    // FNV-1a (Fowler, Noll, Vo), twice with different starts: where to look, and whom to look for.
    let home = this.#seed ^ 0x811c9dc5;
    let tag = ~this.#seed;
    for (let i = 0; i < uid.length; i++) {
      const code = uid.charCodeAt(i);
      home = Math.imul(home ^ code, 0x01000193);
      tag = Math.imul(tag ^ code, 0x5bd1e995);
    }
    home ^= home >>> 15;
    tag = (tag ^ (tag >>> 13)) | 1;
    const words = this.#words;
    for (;;) {
      let free = NONE;
      let seen = 0;
      for (let i = 0; i < PROBES; i++) {
        const slot = ((home + i) & this.#mask) * SLOT_WORDS;
        const found = Atomics.load(words, slot + TAG);
        if (found === tag) return slot;
        if (free !== NONE) continue;
        const age = (step - Atomics.load(words, slot + NEWEST)) & STEP_MASK;
        if (found !== 0 && age < STEPS) continue;
        free = slot;
        seen = found;
      }
      if (free === NONE) return NONE;
      if (Atomics.compareExchange(words, free + TAG, seen, tag) === seen) {
        // Or it would look stale to the next one at once.
        Atomics.store(words, free + NEWEST, step);
        return free;
      }
    }
  }
}
