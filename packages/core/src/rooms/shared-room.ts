import { NO_TIMER, type TimerHandle } from "../timing/index.ts";
import { AskedDeliveries } from "./asked-deliveries.ts";
import type { Origin } from "./broadcast-writer.ts";
import { RateMeter } from "./rate-meter.ts";
import { ROOM_SETTINGS_DEFAULT, type RoomSettings, settingsFromText } from "./settings.ts";
import { type Arrival, type BatchKind, PendingBatch } from "./shared-batch.ts";
import { SHARED_LIMITS } from "./shared-limits.ts";
import { setShare, takeBackShare } from "./viewer-shares.ts";

/**
 * A room of the shared log that is open on this node. States: `opening` (subscribed, its state not known yet) → `open` →
 * `closed` (let go of; answers that still come are dropped).
 */
export class SharedRoom {
  readonly name: string;
  /** The number it was opened under, by which its timers find it: it keeps that one whatever others it gets. */
  readonly id: number;
  state: "opening" | "open" | "closed" = "opening";
  /** Present number, and those it had before a new hello was due. */
  number: number;
  readonly numbers: number[] = [];
  epoch = "";
  /** Highest offset that goes into the broadcast ring, or was skipped. */
  head = 0;
  /** How far the ring itself is: what gateways are told. */
  ringEpoch = "";
  ringHead = 0;
  ts = 0;
  settings: RoomSettings = ROOM_SETTINGS_DEFAULT;
  settingsText = "";
  /** As gateways were told them last. */
  toldSettings = "";
  /** Who waits for it to open. */
  readonly waiters: Origin[] = [];
  /** Oldest first; the first one is under way where `isSending`, the last one takes more. */
  readonly batches: PendingBatch[] = [];
  isSending = false;
  /** Failed tries of the batch under way. */
  tries = 0;
  retryAt = 0;
  /** Arrivals that wait for those before them, by first offset. */
  readonly parked = new Map<number, Arrival>();
  /** When the log is asked for what is missing, monotonic ms; 0 = nothing is. */
  holeAt = 0;
  /** Head that the log was seen to have. */
  knownHead = 0;
  /**
   * Highest offset that this node knows to have been given in this epoch and that the log has lost; 0 = none. Nothing goes
   * into the ring any more until the log has begun a new epoch.
   */
  lostHead = 0;
  /** Head at the last look. */
  seenHead = 0;
  /**
   * Which doubt the log was last asked after (see `SharedLooks.doubt`). Where that is not the newest, messages may have
   * been missed: what the next look finds missing is read at once.
   */
  doubts = 0;
  isReading = false;
  /** When the log was last told that it has records, monotonic ms; before that it may not be in the list of such rooms. */
  announcedAt = Number.NEGATIVE_INFINITY;
  isLooking = false;
  /** Something has changed since the look that is under way began. */
  hasNews = false;
  /** When it is looked at next, monotonic ms. */
  lookAt = 0;
  /** None while a look is under way, nor from shortly before `lookAt` on. */
  lookTimer: TimerHandle = NO_TIMER;
  /** Viewers on all nodes, and on this one by gateway. */
  online = 0;
  viewers = 0;
  /** Share of the viewers that the log was told of last. */
  toldViewers = 0;
  statsOnline = -1;
  statsAt = Number.NEGATIVE_INFINITY;
  /** When its viewer count is announced; none where it has not changed. */
  statsTimer: TimerHandle = NO_TIMER;
  /** Last join, publish or change of its viewers here, monotonic ms. */
  touchedAt: number;
  /** When it is looked at whether it may be let go of; none while it has viewers, from the next look on. */
  lingerTimer: TimerHandle = NO_TIMER;
  /** Publishers on this node that wait for a delivery. */
  readonly asked = new AskedDeliveries();
  readonly #shares: number[] = [];
  readonly #pastEpochs: string[] = [];
  readonly #written = new RateMeter();
  readonly #sampled = new RateMeter();

  constructor(number: number, name: string, now: number) {
    this.id = number;
    this.number = number;
    this.name = name;
    this.touchedAt = now;
  }

  /** The batch that takes the next publish; undefined where too many wait. */
  filling(now: number, kind: BatchKind = "publish"): PendingBatch | undefined {
    const last = this.batches.at(-1);
    const isUnderWay = this.isSending && this.batches.length === 1;
    // One that has been sent stays as it is, also while it waits to be sent again: the log may have it already.
    const isOpen = last?.kind === kind && last.number === 0 && !isUnderWay && !last.isFull;
    if (isOpen) return last;
    if (this.batches.length >= SHARED_LIMITS.batchesPerRoomMax) return undefined;
    const next = new PendingBatch(now, kind);
    this.batches.push(next);
    return next;
  }

  /** An answer is on its way that may say of danmaku that they wait. */
  get isScheduling(): boolean {
    return this.isSending && this.batches[0]?.kind === "schedule";
  }

  isPast(epoch: string): boolean {
    return this.#pastEpochs.includes(epoch);
  }

  /** A new life of the log, or a jump within one. */
  begin(epoch: string, head: number): void {
    if (epoch !== this.epoch && this.epoch !== "") {
      this.#pastEpochs.push(this.epoch);
      if (this.#pastEpochs.length > SHARED_LIMITS.pastEpochsMax) this.#pastEpochs.shift();
      this.parked.clear();
      this.knownHead = 0;
    }
    this.epoch = epoch;
    this.head = head;
    this.lostHead = 0;
    this.seenHead = 0;
    // The list may have lost it too.
    this.announcedAt = Number.NEGATIVE_INFINITY;
  }

  configure(text: string): void {
    if (text === this.settingsText) return;
    this.settingsText = text;
    this.settings = settingsFromText(text);
  }

  /** Sets the share of the viewers that a gateway has in this life of it; returns whether that changed anything. */
  setViewers(gateway: number, life: number, viewers: number): boolean {
    const change = setShare(this.#shares, gateway, life, viewers);
    this.viewers += change;
    return change !== 0;
  }

  /** Takes back what a gateway had in a life of it that is over; returns whether that changed anything. */
  takeBack(gateway: number, life: number): boolean {
    const change = takeBackShare(this.#shares, gateway, life);
    this.viewers += change;
    return change !== 0;
  }

  /** No gateway has viewers under the present number yet. */
  clearViewers(): void {
    this.#shares.length = 0;
    this.viewers = 0;
  }

  counted(isSampled: boolean, now: number): void {
    this.#written.count(now);
    if (isSampled) this.#sampled.count(now);
  }

  rate(now: number): number {
    return this.#written.rate(now);
  }

  sampledRate(now: number): number {
    return this.#sampled.rate(now);
  }
}
