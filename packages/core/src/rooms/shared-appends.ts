/**
 * The way of a node's own batches to the shared log: one of each room at a time, tried again until it is known to be
 * written, and given up where the log stays away before it was ever sent.
 */
import type {
  Clock,
  Counters,
  SharedAppendResult,
  SharedLog,
  SharedScheduleOutcome,
  SharedScheduleResult,
  SharedWaiting,
} from "../ports/index.ts";
import type { BroadcastWriter, Origin } from "./broadcast-writer.ts";
import { ROOM_LIMITS } from "./limits.ts";
import { METRICS } from "./metrics.ts";
import type { ScheduleAnswers } from "./schedule-answers.ts";
import { mergeSettings, settingsText } from "./settings.ts";
import type { PendingBatch } from "./shared-batch.ts";
import { SHARED_LIMITS } from "./shared-limits.ts";
import type { SharedRoom } from "./shared-room.ts";
import type { SharedStream } from "./shared-stream.ts";

export interface SharedAppendsOptions {
  readonly log: SharedLog;
  readonly stream: SharedStream;
  readonly writer: BroadcastWriter;
  readonly clock: Clock;
  readonly counters: Counters;
  readonly answers: ScheduleAnswers;
  /** Something waits for its time in a room, or was taken back. */
  readonly onScheduled: (room: SharedRoom, waiting: SharedWaiting) => void;
  /** The settings of a room were found to be others, or were changed. */
  readonly onSettings: (room: SharedRoom) => void;
  /** The log has taken something. */
  readonly onHeard: () => void;
  /** The log did not answer. */
  readonly onFailure: (cause: Error) => void;
  /** Something an operator must hear of. */
  readonly onAlarm: (message: string) => void;
  /** Writes an answer once the ring has room for it. */
  readonly later: (write: () => void) => void;
  /** Has `send` called soon. */
  readonly wake: () => void;
}

export class SharedAppends {
  readonly #options: SharedAppendsOptions;
  /** Rooms with batches that wait. */
  readonly #sending = new Set<SharedRoom>();
  /** Over all rooms, since the log remembers the number of a room that was let go of and opened again. */
  #lastBatch = 0;
  #inFlight = 0;
  #unreplicatedAt = Number.NEGATIVE_INFINITY;
  #bytes = 0;

  constructor(options: SharedAppendsOptions) {
    this.#options = options;
  }

  /** Whether publishes wait for the log. */
  get isBusy(): boolean {
    return this.#sending.size > 0;
  }

  /** Whether it may take more. */
  get hasRoom(): boolean {
    return this.#bytes < SHARED_LIMITS.bytesMax;
  }

  /** The room has a batch to send; `bytes` were added to it. */
  added(room: SharedRoom, bytes: number): void {
    this.#bytes += bytes;
    this.#sending.add(room);
  }

  /** The room is let go of. */
  forget(room: SharedRoom): void {
    this.#sending.delete(room);
  }

  /** When a batch is due to be tried again, monotonic ms. */
  nextDueAt(): number {
    let at = Number.POSITIVE_INFINITY;
    for (const room of this.#sending) if (!room.isSending && room.retryAt < at) at = room.retryAt;
    return at;
  }

  /** Sends the next batch of every room that has none under way. */
  send(): void {
    const now = this.#options.clock.monotonic();
    for (const room of this.#sending) {
      if (this.#inFlight >= SHARED_LIMITS.inFlightMax) return;
      const [batch] = room.batches;
      if (batch === undefined || room.state === "closed") {
        this.#sending.delete(room);
      } else if (!room.isSending && room.state === "open" && room.retryAt <= now) {
        room.isSending = true;
        this.#inFlight++;
        if (now - room.announcedAt < SHARED_LIMITS.announceAgainMs) this.#append(room, batch);
        else this.#announce(room, batch);
      }
    }
  }

  /** Publishers of what was never sent have been told that the log is away: it is not written long after. */
  giveUpWaiting(now: number): void {
    const { writer, later } = this.#options;
    for (const room of this.#sending) {
      for (let index = room.batches.length - 1; index >= 0; index--) {
        const batch = room.batches[index] as PendingBatch;
        if (batch.number !== 0 || now - batch.since < ROOM_LIMITS.answerTimeoutMs) continue;
        if (index === 0 && room.isSending) continue;
        room.batches.splice(index, 1);
        this.#bytes -= batch.length;
        for (let asker = 0; asker < batch.askers; asker++) {
          const origin = batch.origin(asker);
          later(() => writer.reject(origin, "unavailable"));
        }
      }
    }
  }

  #announce(room: SharedRoom, batch: PendingBatch): void {
    this.#options.log.announce(room.name, (done) => {
      if (done instanceof Error) return this.#failed(room, done);
      room.announcedAt = this.#options.clock.monotonic();
      this.#append(room, batch);
    });
  }

  #append(room: SharedRoom, batch: PendingBatch): void {
    if (batch.number === 0) batch.number = ++this.#lastBatch;
    if (batch.kind === "schedule") {
      this.#schedule(room, batch);
      return;
    }
    const { settings } = batch;
    if (settings !== undefined) settings.wanted = mergeSettings(room.settings, settings.patch);
    const change = settings?.wanted && {
      expected: room.settingsText,
      wanted: settingsText(settings.wanted),
      maxRate: settings.wanted.maxRate,
      slowModeMs: settings.wanted.slowModeMs,
    };
    const sentAt = this.#options.clock.monotonic();
    this.#options.log.append(room.name, batch.toSend(room.epoch, room.head, change), (result) => {
      if (result instanceof Error) this.#failed(room, result);
      else if (result.status === "conflict") this.#conflict(room);
      else this.#written(room, batch, result, sentAt);
    });
  }

  #schedule(room: SharedRoom, batch: PendingBatch): void {
    this.#options.log.schedule(room.name, batch.toSchedule(), (result) => {
      if (result instanceof Error) this.#failed(room, result);
      else this.#scheduled(room, batch, result);
    });
  }

  /** The batch is done with: the next one may go. */
  #done(room: SharedRoom, batch: PendingBatch): void {
    this.#options.onHeard();
    this.#inFlight--;
    this.#bytes -= batch.length;
    room.batches.shift();
    room.isSending = false;
    room.tries = 0;
  }

  #scheduled(room: SharedRoom, batch: PendingBatch, result: SharedScheduleResult): void {
    const { onScheduled, wake } = this.#options;
    this.#done(room, batch);
    for (const [index, outcome] of result.outcomes.entries())
      this.#answer(room, batch, index, result.isReplicated ? outcome : UNKNOWN);
    room.asked.forgetEarly();
    onScheduled(room, result.waiting);
    wake();
  }

  /** Answers one that is to wait, or to wait no longer. */
  #answer(
    room: SharedRoom,
    batch: PendingBatch,
    index: number,
    outcome: SharedScheduleOutcome | Unknown,
  ): void {
    const { writer, counters, answers, later } = this.#options;
    const origin = batch.origin(index);
    switch (outcome.kind) {
      case "waits":
        answers.waits(room, origin, outcome.scheduled, outcome.deliverAt, outcome.isRepeat);
        return;
      case "repeat":
        counters.add(METRICS.repeats, 1);
        later(() => writer.repeat(room.number, origin, outcome.offset, outcome.ts));
        return;
      case "due":
        this.#publish(room, batch, index, origin);
        return;
      case "cancelled":
        counters.add(METRICS.scheduledCancelled, 1);
        answers.cancelled(room, batch.cancel?.scheduled ?? 0, origin);
        return;
      case "not_found":
        later(() => writer.reject(origin, "not_found"));
        return;
      default:
        later(() => writer.reject(origin, outcome.kind === "full" ? "overloaded" : "unavailable"));
    }
  }

  /** A danmaku that was to wait for a time which has come is published like any other. */
  #publish(room: SharedRoom, batch: PendingBatch, index: number, origin: Origin): void {
    const { clock, writer, later } = this.#options;
    const into = room.state === "open" ? room.filling(clock.monotonic()) : undefined;
    if (into === undefined) {
      later(() => writer.reject(origin, "overloaded"));
      return;
    }
    const before = into.length;
    into.addFrom(batch, index);
    this.added(room, into.length - before);
  }

  #written(room: SharedRoom, batch: PendingBatch, result: SharedAppendResult, sentAt: number): void {
    const { clock, counters, log, stream, writer, onAlarm, later, wake } = this.#options;
    this.#done(room, batch);
    counters.add(METRICS.commits, 1);
    counters.add(METRICS.batchWait, (sentAt - batch.since) / 1000);
    counters.add(METRICS.batchRoundTrip, (clock.monotonic() - sentAt) / 1000);
    counters.add(METRICS.committed, result.taken);
    if (result.unread > 0) {
      counters.add(METRICS.unread, result.unread);
      onAlarm(
        `room ${room.name}: ${result.unread} records were trimmed before the dispatch group had read them`,
      );
    }
    if (!result.isReplicated) this.#unreplicated(batch.count);
    stream.own(room, batch, result);
    const { settings } = batch;
    if (settings?.wanted !== undefined) {
      const { wanted, origin } = settings;
      room.configure(settingsText(wanted));
      this.#options.onSettings(room);
      later(() => writer.settings(room.number, origin, result.first - 1, result.ts, wanted));
    }
    if (result.taken > 0) log.ring(room.name);
    wake();
  }

  /** Every batch would say so: it is told now and then. */
  #unreplicated(count: number): void {
    const { clock, counters, onAlarm } = this.#options;
    counters.add(METRICS.unreplicated, count);
    const now = clock.monotonic();
    if (now - this.#unreplicatedAt < SHARED_LIMITS.alarmMsMin) return;
    this.#unreplicatedAt = now;
    onAlarm("too few replicas have what is written: it is shown, but publishers are answered unavailable");
  }

  /** Somebody else has changed the settings: again, with theirs. */
  #conflict(room: SharedRoom): void {
    this.#options.log.look(room.name, undefined, (state) => {
      if (!(state instanceof Error) && state !== undefined) {
        room.configure(state.settings);
        this.#options.onSettings(room);
      }
      this.#failed(room, new Error("the settings were changed at the same time"));
    });
  }

  #failed(room: SharedRoom, cause: Error): void {
    const { clock, counters, onFailure, wake } = this.#options;
    onFailure(cause);
    counters.add(METRICS.commitFailures, 1);
    this.#inFlight--;
    room.isSending = false;
    const waitMs = Math.min(SHARED_LIMITS.retryMsMax, SHARED_LIMITS.retryMsMin * 2 ** room.tries);
    room.tries = Math.min(room.tries + 1, 10);
    room.retryAt = clock.monotonic() + waitMs;
    wake();
  }
}

/** Not as many replicas have it as were asked for. */
type Unknown = { readonly kind: "unknown" };
const UNKNOWN: Unknown = { kind: "unknown" };
