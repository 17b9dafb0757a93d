import { SlidingWindow } from "../policy/sliding-window.ts";
import { NO_TIMER, type TimerHandle } from "../timing/index.ts";
import { KeyMemory } from "./key-memory.ts";
import { ROOM_LIMITS } from "./limits.ts";
import { RateMeter } from "./rate-meter.ts";
import { RateSampler } from "./rate-sampler.ts";
import { ROOM_SETTINGS_DEFAULT, type RoomSettings } from "./settings.ts";
import { setShare, takeBackShare } from "./viewer-shares.ts";

/** What the sequencer knows of an open room. */
export class SequencedRoom {
  readonly number: number;
  readonly name: string;
  readonly epoch: string;
  head: number;
  /** Timestamp of the newest record or settings, Unix ms. */
  ts: number;
  /** The log has records or settings of it. */
  isStored = false;
  /** Last join, publish, change of its viewers or settings, monotonic ms. */
  touchedAt: number;
  /** Ring position after its newest entry; undefined where all it has is on disk. */
  lastPosition: number | undefined;
  /** Viewers on all gateways. */
  online = 0;
  statsOnline = -1;
  /** Monotonic ms. */
  statsAt = Number.NEGATIVE_INFINITY;
  /** When its viewer count is announced; none where it has not changed. */
  statsTimer: TimerHandle = NO_TIMER;
  /** When it is looked at whether it may be let go of; none while it has viewers, from the next look on. */
  lingerTimer: TimerHandle = NO_TIMER;
  keys: KeyMemory | undefined;
  /** When the oldest of the keys are forgotten; none where there are none. */
  keysTimer: TimerHandle = NO_TIMER;
  /** When users whom slow mode no longer binds are forgotten; none where there are none. */
  slowTimer: TimerHandle = NO_TIMER;
  #settings = ROOM_SETTINGS_DEFAULT;
  #sampler: RateSampler | undefined;
  #slowMode: SlidingWindow | undefined;
  readonly #shares: number[] = [];
  readonly #sequenced = new RateMeter();
  readonly #sampled = new RateMeter();

  /** `touchedAt`: the present, monotonic ms. */
  constructor(number: number, name: string, epoch: string, head: number, ts: number, touchedAt: number) {
    this.number = number;
    this.name = name;
    this.epoch = epoch;
    this.head = head;
    this.ts = ts;
    this.touchedAt = touchedAt;
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
  }

  get settings(): RoomSettings {
    return this.#settings;
  }

  configure(settings: RoomSettings, now: number): void {
    const { maxRate, slowModeMs } = settings;
    if (slowModeMs !== this.#settings.slowModeMs) {
      this.#slowMode =
        slowModeMs === 0
          ? undefined
          : new SlidingWindow({
              eventsMax: 1,
              windowMs: slowModeMs,
              keysMax: ROOM_LIMITS.slowUsersMax,
            });
    }
    if (maxRate === 0) this.#sampler = undefined;
    else if (maxRate !== this.#settings.maxRate) this.#sampler = new RateSampler(maxRate, now);
    this.#settings = settings;
  }

  /** Whether a danmaku of this class, sequenced now, is left out of what viewers see. @hot bench/ingest.ts */
  leavesOut(danmakuClass: number, now: number): boolean {
    if (this.#sampler === undefined || this.#sampler.passes(danmakuClass, now)) return false;
    this.#sampled.count(now);
    return true;
  }

  get hasSlowMode(): boolean {
    return this.#slowMode !== undefined;
  }

  /** Counts a danmaku of a user; returns 0, or the ms until the room's slow mode lets it pass. `now`: monotonic ms. */
  tooSoon(uid: string, now: number): number {
    return this.#slowMode?.take(uid, now) ?? 0;
  }

  /** Forgets users whom slow mode no longer binds, of `usersMax`; returns whether there are any left. */
  expireSlowMode(now: number, usersMax: number): boolean {
    this.#slowMode?.expire(now, usersMax);
    return this.#slowMode !== undefined && this.#slowMode.size > 0;
  }

  rememberKey(identity: string, offset: number, ts: number): void {
    this.keys ??= new KeyMemory(ROOM_LIMITS.keysPerRoomMax);
    this.keys.remember(identity, offset, ts);
  }

  /** Sets the share of the viewers that a gateway has in this life of it; returns whether that changed anything. */
  setViewers(gateway: number, life: number, viewers: number): boolean {
    const change = setShare(this.#shares, gateway, life, viewers);
    this.online += change;
    return change !== 0;
  }

  /** Takes back what a gateway had in a life of it that is over; returns whether that changed anything. */
  takeBack(gateway: number, life: number): boolean {
    const change = takeBackShare(this.#shares, gateway, life);
    this.online += change;
    return change !== 0;
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
