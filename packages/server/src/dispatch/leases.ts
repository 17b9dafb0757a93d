/**
 * Which slots this worker has. All workers compute the same owners from the list of those alive; a slot changes hands by
 * its lease in Redis, so that two never serve it at once, whatever they think of the list.
 */
import { DISPATCH_SLOTS, type DispatchStore } from "../adapters/redis/index.ts";
import { assignSlots } from "./hash-ring.ts";
import { ACQUIRE_PARALLEL_MAX, LEASE_MARGIN_MS, LEASE_MS, RENEW_MS, WORKERS_MAX } from "./limits.ts";
import type { SinkLogger } from "./sink.ts";
import { reasonOf } from "./worker-context.ts";

export interface LeasesOptions {
  readonly store: DispatchStore;
  readonly worker: string;
  readonly now: () => number;
  readonly onGained: (slot: number, token: string) => void;
  /** No longer ours, from this moment on: given back, or lost. */
  readonly onGone: (slot: number, isLost: boolean) => void;
  /** Whether nothing is under way in a slot that is to be given back; asked until it is so. */
  readonly isIdle: (slot: number) => boolean;
  readonly log: SinkLogger;
}

interface Lease {
  readonly token: string;
  /** By the worker's own clock, with a margin. */
  validUntilMs: number;
  isLeaving: boolean;
}

export class Leases {
  readonly #options: LeasesOptions;
  readonly #held = new Map<number, Lease>();
  #workers: readonly string[] = [];
  #owners: readonly (string | undefined)[] = [];
  #renewedAtMs = Number.NEGATIVE_INFINITY;
  #isLeaving = false;
  #missing = 0;
  #isSeen = false;

  constructor(options: LeasesOptions) {
    this.#options = options;
  }

  get slots(): number {
    return this.#held.size;
  }

  /** Every slot that is to be ours is. */
  get isSettled(): boolean {
    return this.#isSeen && this.#missing === 0;
  }

  /** Workers alive, as last seen. */
  get workers(): number {
    return this.#workers.length;
  }

  /** The lease with this token holds now, and for a margin longer. */
  holds(slot: number, token: string): boolean {
    const lease = this.#held.get(slot);
    return lease !== undefined && lease.token === token && lease.validUntilMs > this.#options.now();
  }

  /** The slot is to be given away: nothing new is to be begun in it. */
  isLeaving(slot: number): boolean {
    return this.#held.get(slot)?.isLeaving ?? true;
  }

  /** Redis says that a slot is another's by now. */
  lose(slot: number): void {
    if (!this.#held.delete(slot)) return;
    this.#options.log.warn({ slot }, "a slot is another worker's");
    this.#options.onGone(slot, true);
  }

  /** One round: says that the worker lives, prolongs, takes and gives back. @throws where Redis gave no answer. */
  async tick(): Promise<void> {
    this.#dropExpired();
    const { store, now } = this.#options;
    if (!store.isReady) return;
    if (now() - this.#renewedAtMs >= RENEW_MS) await this.#renew();
    if (this.#isLeaving) return await this.#giveBack();
    this.#see(await store.heartbeat(LEASE_MS));
    await this.#giveBack();
    await this.#take();
  }

  /** No more slots; what is held is given back as it falls idle. */
  async leave(): Promise<void> {
    this.#isLeaving = true;
    for (const lease of this.#held.values()) lease.isLeaving = true;
    await this.#options.store.leave();
  }

  #dropExpired(): void {
    const now = this.#options.now();
    let lost = 0;
    for (const [slot, lease] of this.#held) {
      if (lease.validUntilMs > now) continue;
      this.#held.delete(slot);
      this.#options.onGone(slot, true);
      lost++;
    }
    if (lost > 0) this.#options.log.warn({ slots: lost }, "leases ran out before they could be prolonged");
  }

  async #renew(): Promise<void> {
    const { store, now } = this.#options;
    const leases = [...this.#held];
    const beganAtMs = now();
    const answers = await store.renew(
      leases.map(([slot, { token }]) => [slot, token]),
      LEASE_MS,
    );
    this.#renewedAtMs = beganAtMs;
    for (const [at, [slot, lease]] of leases.entries()) {
      if (answers[at] === true) lease.validUntilMs = beganAtMs + LEASE_MS - LEASE_MARGIN_MS;
      else if (answers[at] === false && this.#held.get(slot) === lease) this.lose(slot);
    }
  }

  #see(alive: readonly string[]): void {
    // Redis has them in the order of their heartbeats, which says nothing.
    const workers = alive.toSorted();
    if (workers.join("\n") === this.#workers.join("\n")) return;
    this.#workers = workers.slice(0, WORKERS_MAX);
    this.#owners = assignSlots(this.#workers, DISPATCH_SLOTS);
    this.#options.log.info({ workers: this.#workers.length }, "the workers are others than before");
    // Once begun, giving back is not called off: the slot is taken again if it comes back to us.
    for (const [slot, lease] of this.#held) lease.isLeaving ||= this.#owners[slot] !== this.#options.worker;
  }

  async #giveBack(): Promise<void> {
    const { store, isIdle, onGone } = this.#options;
    const idle = [...this.#held].filter(([slot, lease]) => lease.isLeaving && isIdle(slot));
    for (const [slot] of idle) {
      this.#held.delete(slot);
      onGone(slot, false);
    }
    await Promise.all(idle.map(([slot, { token }]) => store.release(slot, token)));
  }

  async #take(): Promise<void> {
    const { worker } = this.#options;
    const wanted: number[] = [];
    for (const [slot, owner] of this.#owners.entries()) {
      if (owner === worker && !this.#held.has(slot)) wanted.push(slot);
    }
    this.#missing = wanted.length;
    this.#isSeen = true;
    const failures: unknown[] = [];
    for (let at = 0; at < wanted.length; at += ACQUIRE_PARALLEL_MAX) {
      const some = wanted.slice(at, at + ACQUIRE_PARALLEL_MAX);
      await Promise.all(some.map((slot) => this.#acquire(slot).catch((error) => failures.push(error))));
    }
    // In a Cluster one part may be away; the slots of the others are served.
    if (failures.length > 0) {
      this.#options.log.warn(
        { slots: failures.length, reason: reasonOf(failures[0]) },
        "leases could not be asked for",
      );
    }
  }

  async #acquire(slot: number): Promise<void> {
    const { store, now, onGained } = this.#options;
    const beganAtMs = now();
    const token = await store.acquire(slot, LEASE_MS);
    if (token === undefined) return;
    const validUntilMs = beganAtMs + LEASE_MS - LEASE_MARGIN_MS;
    this.#missing--;
    this.#held.set(slot, { token, validUntilMs, isLeaving: this.#isLeaving });
    onGained(slot, token);
  }
}
