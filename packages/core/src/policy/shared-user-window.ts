import { USER_MESSAGES_MAX, USER_OVERSHOOT_WINDOWS_MAX, USER_WINDOW_MS, USERS_SHARED_MAX } from "./limits.ts";

/**
 * Layout: slots of 16 words, one cache line each.
 *
 *      word 0    tag of the user, 0 = never used
 *      word 1    number of the newest step in which it published
 *      word 2…   steps in a ring:  31 ………………………… 8 │ 7 … 0
 *                                  number of the step │ messages
 *      word 12   step before which it may not publish, whatever the others say
 *
 * Time goes in steps of 500 ms; their numbers have 24 bits and wrap after 97 days.
 */
const SLOT_WORDS = 16;
const TAG = 0;
const NEWEST = 1;
const RING = 2;
const HELD_UNTIL = 12;
const STEP_MS = 500;
const STEPS = USER_WINDOW_MS / STEP_MS;
const HELD_STEPS_MAX = STEPS * (1 + USER_OVERSHOOT_WINDOWS_MAX);
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
 * What each user has published within the window, over all threads of a node and, as far as it was told, on other nodes: a
 * hash table in shared memory. Beside the exact window that each thread keeps by itself it makes the limit hold for users
 * with connections on several threads and nodes.
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
    const held = this.#heldFor(step);
    const wait = Math.max(messages < USER_MESSAGES_MAX ? 0 : STEPS - oldest, held);
    return wait === 0 ? 0 : Math.max(1, Math.ceil(wait * STEP_MS - (nowMs % STEP_MS)));
  }

  /** Counts one message of the user that `look` was last asked for. */
  count(): void {
    if (this.#slot === NONE) return;
    this.#add(this.#slot, this.#step, 1);
    Atomics.store(this.#words, this.#slot + NEWEST, this.#step);
  }

  /**
   * Counts what a user has published elsewhere of late, as its node told. Where that makes more than the window allows,
   * the user waits for the longer: over time it has no more than its limit. Returns false where there is no slot.
   */
  addElsewhere(uid: string, nowMs: number, messages: number): boolean {
    const step = Math.floor(nowMs / STEP_MS) & STEP_MASK;
    const slot = this.#find(uid, step);
    if (slot === NONE) return false;
    // Told of some hundred milliseconds after.
    this.#add(slot, (step - 1) & STEP_MASK, messages);
    Atomics.store(this.#words, slot + NEWEST, step);
    let total = 0;
    for (let i = 0; i < STEPS; i++) {
      const word = Atomics.load(this.#words, slot + RING + i);
      if (((step - (word >>> 8)) & STEP_MASK) < STEPS) total += word & COUNT_MASK;
    }
    if (total <= USER_MESSAGES_MAX) return true;
    const more = Math.ceil(((total - USER_MESSAGES_MAX) * STEPS) / USER_MESSAGES_MAX);
    const held = Math.min(STEPS + more, HELD_STEPS_MAX);
    if (held > this.#heldFor(step, slot)) {
      Atomics.store(this.#words, slot + HELD_UNTIL, (step + held) & STEP_MASK);
    }
    return true;
  }

  /** Steps for which a user is held, 0 = it is not. What lies too far ahead was left by a clock that was set back. */
  #heldFor(step: number, slot = this.#slot): number {
    const held = (Atomics.load(this.#words, slot + HELD_UNTIL) - step) & STEP_MASK;
    return held <= HELD_STEPS_MAX ? held : 0;
  }

  #add(slot: number, step: number, messages: number): void {
    const words = this.#words;
    const at = slot + RING + (step % STEPS);
    for (;;) {
      const word = Atomics.load(words, at);
      const before = word >>> 8 === step ? word & COUNT_MASK : 0;
      const after = Math.min(before + messages, COUNT_MASK);
      if (after === before) return;
      if (Atomics.compareExchange(words, at, word, (step << 8) | after) === word) return;
    }
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
        Atomics.store(words, free + HELD_UNTIL, step);
        return free;
      }
    }
  }
}
