import { KeyMemory } from "./key-memory.ts";
import { ROOM_LIMITS } from "./limits.ts";

/** What the sequencer knows of an open room. */
export class SequencedRoom {
  readonly number: number;
  readonly name: string;
  readonly epoch: string;
  head: number;
  /** Timestamp of the newest record, Unix ms. */
  ts: number;
  /** The log has records of it. */
  isStored = false;
  /** Last join, publish or change of its viewers, Unix ms. */
  touchedAt: number;
  /** Ring position after the newest record; undefined before the first one. */
  lastPosition: number | undefined;
  /** Viewers on all gateways. */
  online = 0;
  statsOnline = -1;
  statsAt = 0;
  keys: KeyMemory | undefined;
  readonly #viewers: number[] = [];
  #windowStart = 0;
  #inWindow = 0;
  #inWindowBefore = 0;

  constructor(number: number, name: string, epoch: string, head: number, ts: number, now: number) {
    this.number = number;
    this.name = name;
    this.epoch = epoch;
    this.head = head;
    this.ts = ts;
    this.touchedAt = now;
  }

  /** Advances to the next offset and a timestamp that never goes back. @hot bench/ingest.ts */
  advance(now: number): void {
    this.head++;
    if (now > this.ts) this.ts = now;
    this.touchedAt = now;
    this.#roll(now);
    this.#inWindow++;
  }

  rememberKey(identity: string, offset: number, ts: number): void {
    this.keys ??= new KeyMemory(ROOM_LIMITS.keysPerRoomMax);
    this.keys.remember(identity, offset, ts);
  }

  /** Sets a gateway's share of the viewers; returns whether that changed anything. */
  setViewers(gateway: number, viewers: number): boolean {
    const before = this.#viewers[gateway] ?? 0;
    if (before === viewers) return false;
    this.#viewers[gateway] = viewers;
    this.online += viewers - before;
    return true;
  }

  /** Danmaku per second over about the last ten seconds. */
  rate(now: number): number {
    this.#roll(now);
    const part = (now - this.#windowStart) / RATE_WINDOW_MS;
    return (this.#inWindow + this.#inWindowBefore * (1 - part)) / (RATE_WINDOW_MS / 1000);
  }

  /** A sliding window of two counters, the older one weighed by the share that is still inside. */
  #roll(now: number): void {
    const age = now - this.#windowStart;
    if (age < RATE_WINDOW_MS && age >= 0) return;
    this.#inWindowBefore = age < 2 * RATE_WINDOW_MS ? this.#inWindow : 0;
    this.#inWindow = 0;
    this.#windowStart = now - (now % RATE_WINDOW_MS);
  }
}

const RATE_WINDOW_MS = 10_000;
