/**
 * Brings the log of all rooms to disk: reads the broadcast ring, gathers a group of entries, commits them as one, and
 * only then frees them in the ring and announces the position as durable. A commit that fails is tried again with the
 * same group, so nothing that was sequenced is ever dropped; meanwhile the ring fills, and publishers are refused.
 */
import { danmakuUid, recordOffset, recordStride, recordTs } from "@danmakud/wire";
import type { BroadcastConsumer } from "../memory/index.ts";
import type {
  AppendBatch,
  AppendKey,
  AppendSettings,
  Clock,
  Counters,
  RoomLogWriter,
  Sanction,
  ScheduledDanmaku,
} from "../ports/index.ts";
import { readRepeat, readRoomNames, readScheduled, readSettingsText } from "./broadcast-entry.ts";
import {
  BroadcastKind,
  ENVELOPE_BYTES,
  FORGET_TS_HI,
  FORGET_TS_LO,
  FORGET_WORDS,
  from32,
  NO_ORIGIN,
  padded,
  SCHEDULED_NUMBER,
  SCHEDULED_WORDS,
} from "./envelope-descriptor.ts";
import { ROOM_LIMITS } from "./limits.ts";
import { METRICS } from "./metrics.ts";
import { readSanction } from "./sanction-entry.ts";
import { copyWords } from "./words.ts";

export interface JournalOptions {
  readonly broadcast: BroadcastConsumer;
  readonly log: RoomLogWriter;
  readonly clock: Clock;
  readonly counters: Counters;
  /** Everything up to this position of the ring is committed. */
  readonly onDurable: (position: number) => void;
  /** The log cannot be written (with the cause), or can again (undefined). Called when that changes. */
  readonly onFailing: (cause: unknown) => void;
  /** Around every call of the log, which may block for long. */
  readonly beforeCommit: () => void;
  readonly afterCommit: () => void;
}

/** The records of one room in a group, back to back. */
class Run {
  room = "";
  epoch = "";
  first = 0;
  last = 0;
  count = 0;
  ts = 0;
  length = 0;
  #words = new Uint32Array(256);
  #bytes = new Uint8Array(this.#words.buffer);

  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.length);
  }

  start(room: RoomName): void {
    this.room = room.name;
    this.epoch = room.epoch;
    this.count = 0;
    this.length = 0;
  }

  add(from: Int32Array, at: number, stride: number, offset: number, ts: number): void {
    if (this.length + stride > this.#bytes.length) this.#grow(this.length + stride);
    copyWords(from, at, this.#words, this.length >> 2, stride >> 2);
    this.length += stride;
    if (this.count++ === 0) this.first = offset;
    this.last = offset;
    this.ts = ts;
  }

  #grow(needed: number): void {
    const words = new Uint32Array(2 ** Math.ceil(Math.log2(needed)) / 4);
    words.set(this.#words.subarray(0, this.length >> 2));
    this.#words = words;
    this.#bytes = new Uint8Array(words.buffer);
  }
}

interface RoomName {
  readonly name: string;
  readonly epoch: string;
}

const decoder = new TextDecoder();

export class Journal {
  readonly #options: JournalOptions;
  readonly #rooms = new Map<number, RoomName>();
  /** Runs of the group being gathered, by room number; the objects are used again. */
  readonly #runs = new Map<number, Run>();
  readonly #spare: Run[] = [];
  #keys: AppendKey[] = [];
  #settings: AppendSettings[] = [];
  #forget: { room: string; olderThanTs: number }[] = [];
  #schedule: ScheduledDanmaku[] = [];
  #unschedule: number[] = [];
  #sanctions: Sanction[] = [];
  #records = 0;
  /** The group was gathered and its commit has failed. */
  #isFailing = false;
  #retryAt = 0;
  #expireAt = 0;
  #committedAt = 0;
  #gatherMs: number = ROOM_LIMITS.commitGatherMs;

  constructor(options: JournalOptions) {
    this.#options = options;
  }

  /** Whether nothing is left to write. */
  isIdle(): boolean {
    return !this.#isFailing && this.#options.broadcast.isEmpty();
  }

  /**
   * When the next group should be committed, monotonic ms: at once where the last commit is long ago, else after
   * gathering for a moment, so that under load one commit carries many records.
   */
  dueAt(): number {
    return this.#isFailing ? this.#retryAt : this.#committedAt + this.#gatherMs;
  }

  /**
   * Whether what comes now can wait until `dueAt`, since a group waits for it already. One that has nothing to write is to be
   * woken: nobody else would look at what comes.
   */
  isGathering(): boolean {
    return !this.isIdle() && this.#options.clock.monotonic() < this.dueAt();
  }

  /** Gathers and commits one group. Returns whether there may be more at once. */
  turn(): boolean {
    const { broadcast, clock, onDurable } = this.#options;
    if (!this.#isFailing) {
      while (this.#records < ROOM_LIMITS.commitRecordsMax && broadcast.next()) this.#entry();
    } else if (clock.monotonic() < this.#retryAt) {
      return false;
    }
    const isFull = this.#records >= ROOM_LIMITS.commitRecordsMax;
    if (!this.#commit()) return false;
    broadcast.release();
    onDurable(broadcast.position);
    // A full group was not gathered for its time, and the next may be full already.
    if (isFull) this.#committedAt = Number.NEGATIVE_INFINITY;
    return isFull;
  }

  #entry(): void {
    const { broadcast } = this.#options;
    const { words, bytes, index } = broadcast;
    const word = index >> 2;
    const extra = (words[word] as number) >>> 16;
    const number = words[word + 2] as number;
    switch ((words[word] as number) & 0xff) {
      case BroadcastKind.record: {
        const record = index + ENVELOPE_BYTES + padded(extra);
        const offset = recordOffset(bytes, record);
        const ts = recordTs(bytes, record);
        const run = this.#runs.get(number) ?? this.#startRun(number);
        run.add(words, record >> 2, recordStride(bytes, record), offset, ts);
        this.#records++;
        const isScheduled = words[word + 3] === NO_ORIGIN && words[word + 1] !== 0;
        // In the same commit: it is either waiting or in the log, never both and never neither.
        if (isScheduled) this.#unschedule.push(words[word + 1] as number);
        if (extra > 0) {
          const key = decoder.decode(bytes.slice(index + ENVELOPE_BYTES, index + ENVELOPE_BYTES + extra));
          this.#keys.push({ room: run.room, uid: danmakuUid(bytes, record), key, offset, ts });
        }
        return;
      }
      case BroadcastKind.scheduled:
        this.#noteScheduled(extra);
        return;
      case BroadcastKind.unscheduled:
        this.#unschedule.push(words[word + SCHEDULED_NUMBER] as number);
        this.#records++;
        return;
      case BroadcastKind.sanction:
        this.#sanctions.push(readSanction(broadcast, index));
        this.#records++;
        return;
      case BroadcastKind.settings: {
        const { name, epoch } = this.#room(number);
        const { offset, ts } = readRepeat(broadcast);
        this.#settings.push({ room: name, epoch, head: offset, ts, text: readSettingsText(broadcast) });
        return;
      }
      case BroadcastKind.room: {
        if (this.#rooms.has(number)) return;
        this.#rooms.set(number, readRoomNames(broadcast));
        return;
      }
      case BroadcastKind.closed:
        this.#rooms.delete(number);
        return;
      case BroadcastKind.forget: {
        const name = index + FORGET_WORDS * 4;
        const olderThanTs = from32(
          words[word + FORGET_TS_LO] as number,
          words[word + FORGET_TS_HI] as number,
        );
        this.#forget.push({ room: decoder.decode(bytes.slice(name, name + extra)), olderThanTs });
        return;
      }
      default:
        return;
    }
  }

  #noteScheduled(keyBytes: number): void {
    const { bytes, words, index } = this.#options.broadcast;
    const { name } = this.#room(words[(index >> 2) + 2] as number);
    const keyAt = index + SCHEDULED_WORDS * 4;
    const recordAt = keyAt + padded(keyBytes);
    this.#schedule.push({
      ...readScheduled(this.#options.broadcast),
      room: name,
      key: decoder.decode(bytes.slice(keyAt, keyAt + keyBytes)),
      record: bytes.slice(recordAt, recordAt + recordStride(bytes, recordAt)),
    });
    this.#records++;
  }

  #startRun(number: number): Run {
    const run = this.#spare.pop() ?? new Run();
    run.start(this.#room(number));
    this.#runs.set(number, run);
    return run;
  }

  #room(number: number): RoomName {
    const room = this.#rooms.get(number);
    if (room === undefined) throw new Error(`entry of room number ${number}, which was never announced`);
    return room;
  }

  /** Commits the group; false where that failed, and it stays. */
  #commit(): boolean {
    if (this.#records === 0 && this.#settings.length === 0 && this.#forget.length === 0) return true;
    const { log, clock, counters, onFailing, beforeCommit, afterCommit } = this.#options;
    const batch: AppendBatch = {
      runs: [...this.#runs.values()],
      keys: this.#keys,
      settings: this.#settings,
      schedule: this.#schedule,
      unschedule: this.#unschedule,
      sanctions: this.#sanctions,
      forget: this.#forget,
    };
    beforeCommit();
    try {
      log.commit(batch);
    } catch (cause) {
      counters.add(METRICS.commitFailures, 1);
      this.#retryAt = clock.monotonic() + ROOM_LIMITS.commitRetryMs;
      if (!this.#isFailing) {
        this.#isFailing = true;
        onFailing(cause);
      }
      return false;
    } finally {
      afterCommit();
    }
    counters.add(METRICS.commits, 1);
    counters.add(METRICS.committed, this.#records);
    if (this.#isFailing) {
      this.#isFailing = false;
      onFailing(undefined);
    }
    this.#committedAt = clock.monotonic();
    const isBusy = this.#records >= ROOM_LIMITS.commitBusyRecordsMin;
    this.#gatherMs = isBusy ? ROOM_LIMITS.commitGatherBusyMs : ROOM_LIMITS.commitGatherMs;
    this.#clear();
    return true;
  }

  #clear(): void {
    for (const run of this.#runs.values()) if (this.#spare.length < SPARE_RUNS_MAX) this.#spare.push(run);
    this.#runs.clear();
    this.#keys = [];
    this.#settings = [];
    this.#schedule = [];
    this.#unschedule = [];
    this.#sanctions = [];
    this.#forget = [];
    this.#records = 0;
  }

  /** Lets old idempotency keys go, a little each time; call now and then. */
  expireKeys(): void {
    const now = this.#options.clock.now();
    if (this.#isFailing || now < this.#expireAt) return;
    this.#expireAt = now + ROOM_LIMITS.commitRetryMs;
    try {
      this.#options.beforeCommit();
      this.#options.log.expireKeys(now - ROOM_LIMITS.keyLifeMs, ROOM_LIMITS.keysPerRoomMax);
    } catch {
      // A full disk shows at the next commit, which is tried again and reported; old keys can wait.
    } finally {
      this.#options.afterCommit();
    }
  }
}

/** Runs kept for the next group; more rooms at once than this are rare. */
const SPARE_RUNS_MAX = 1024;
