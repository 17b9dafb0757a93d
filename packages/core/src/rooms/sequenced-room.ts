import { KeyMemory } from "./key-memory.ts";
import { ROOM_LIMITS } from "./limits.ts";
import { RateMeter } from "./rate-meter.ts";
import { ROOM_SETTINGS_DEFAULT, type RoomSettings } from "./settings.ts";

/** What the sequencer knows of an open room. */
export class SequencedRoom {
  readonly number: number;
  readonly name: string;
  readonly epoch: string;
  head: number;
  /** Timestamp of the newest record or settings, Unix ms. */
  ts: number;
  settings: RoomSettings = ROOM_SETTINGS_DEFAULT;
  /** The log has records or settings of it. */
  isStored = false;
  /** Last join, publish, change of its viewers or settings, Unix ms. */
  touchedAt: number;
  /** Ring position after the newest record or settings; undefined before the first one. */
  lastPosition: number | undefined;
  /** Viewers on all gateways. */
  online = 0;
  statsOnline = -1;
  statsAt = 0;
  keys: KeyMemory | undefined;
  readonly #viewers: number[] = [];
  readonly #sequenced = new RateMeter();
  readonly #sampled = new RateMeter();

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
    this.touch(now);
    this.#sequenced.count(now);
  }

  /** Something of it goes into the log now. */
  touch(now: number): void {
    if (now > this.ts) this.ts = now;
    this.touchedAt = now;
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
    return this.#sequenced.rate(now);
  }

  /** Of those, left out of what viewers see. */
  sampledRate(now: number): number {
    return this.#sampled.rate(now);
  }
}
