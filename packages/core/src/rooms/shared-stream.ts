/**
 * Brings what the shared log tells into the broadcast ring, in the order of the log. Messages may come late, twice or not
 * at all. Per room only what follows the last offset goes into the ring: older ones are dropped, newer ones wait, and
 * what does not come is read back.
 */
import { markSampled, patchLogRecord, recordOffset, recordStride, recordTs } from "@danmakud/wire";
import type {
  Clock,
  Counters,
  SharedAppendResult,
  SharedLog,
  SharedMessage,
  SharedStretch,
} from "../ports/index.ts";
import type { BroadcastWriter } from "./broadcast-writer.ts";
import { BroadcastKind, ENVELOPE_BYTES } from "./envelope-descriptor.ts";
import { METRICS } from "./metrics.ts";
import type { ScheduleAnswers } from "./schedule-answers.ts";
import { type Arrival, CLAIM, isTaken, type PendingBatch, step, takenOf } from "./shared-batch.ts";
import { SHARED_LIMITS } from "./shared-limits.ts";
import type { SharedRoom } from "./shared-room.ts";
import { copyWords } from "./words.ts";

export interface SharedStreamOptions {
  readonly log: SharedLog;
  readonly writer: BroadcastWriter;
  readonly clock: Clock;
  readonly counters: Counters;
  readonly answers: ScheduleAnswers;
  /** The room goes on elsewhere: it needs a new number. */
  readonly onMoved: (room: SharedRoom) => void;
  /** The log could not be read. */
  readonly onFailure: (cause: Error) => void;
  /** Has `turn` called soon. */
  readonly wake: () => void;
}

interface Waiting {
  readonly room: SharedRoom;
  readonly arrival: Arrival;
}

export class SharedStream {
  readonly #options: SharedStreamOptions;
  /** What goes into the ring, in order. */
  readonly #arrivals: Waiting[] = [];
  #next = 0;
  /** Rooms that miss something. */
  readonly #holes = new Set<SharedRoom>();

  constructor(options: SharedStreamOptions) {
    this.#options = options;
  }

  /** Arrivals that wait for room in the ring. */
  get waiting(): number {
    return this.#arrivals.length - this.#next;
  }

  /** The answer to a batch of this node. */
  own(room: SharedRoom, batch: PendingBatch, result: SharedAppendResult): void {
    const { bytes, count } = batch;
    this.#arrive(room, { ...result, ...START, bytes, count, batch, isComplete: false });
  }

  /** A message of another node. */
  message(room: SharedRoom, message: SharedMessage): void {
    if (this.waiting >= SHARED_LIMITS.arrivalsMax) {
      this.missing(room, message.first - 1 + takenOf(message));
      return;
    }
    this.#arrive(room, {
      ...message,
      ...START,
      batch: undefined,
      repeats: [],
      isComplete: false,
      isReplicated: true,
    });
  }

  /** The log was seen to have a higher head than what came. */
  missing(room: SharedRoom, head: number): void {
    if (head <= room.head) return;
    room.knownHead = Math.max(room.knownHead, head);
    this.#noteHole(room, 0);
  }

  /** Puts what is ready into the ring, as far as it has room. Returns whether more waits for that. */
  turn(): boolean {
    const now = this.#options.clock.monotonic();
    while (this.#next < this.#arrivals.length) {
      const entry = this.#arrivals[this.#next] as Waiting;
      if (!this.#write(entry.room, entry.arrival)) break;
      this.#next++;
    }
    if (this.#next === this.#arrivals.length) {
      this.#arrivals.length = 0;
      this.#next = 0;
    } else if (this.#next > SHARED_LIMITS.arrivalsMax) {
      this.#arrivals.splice(0, this.#next);
      this.#next = 0;
    }
    for (const room of this.#holes) if (room.holeAt <= now) this.#readHole(room, now);
    return this.waiting > 0;
  }

  /** When a hole is due to be read, monotonic ms. */
  nextDueAt(): number {
    let at = Number.POSITIVE_INFINITY;
    for (const { holeAt, isReading } of this.#holes) if (!isReading && holeAt < at) at = holeAt;
    return at;
  }

  forget(room: SharedRoom): void {
    this.#holes.delete(room);
    room.parked.clear();
  }

  /** Looks where an arrival belongs: into the ring, behind others that are missing, or nowhere. */
  #arrive(room: SharedRoom, arrival: Arrival): void {
    const isAwaited = arrival.batch !== undefined || arrival.scheduled !== undefined;
    if (room.state !== "open") {
      if (room.state === "opening" && arrival.batch === undefined) this.#park(room, arrival);
      else if (arrival.batch !== undefined) this.#push(room, arrival);
      return;
    }
    if (arrival.epoch !== room.epoch) {
      if (room.isPast(arrival.epoch)) {
        // Its offsets mean nothing to viewers any more, but whoever published it is owed the answer.
        if (isAwaited) this.#push(room, arrival);
        return;
      }
      this.#move(room, arrival.epoch, arrival.first - 1);
    }
    const taken = takenOf(arrival);
    if (arrival.first + taken - 1 <= room.head || taken === 0) {
      if (isAwaited) this.#push(room, arrival);
      return;
    }
    if (this.#showsLoss(room, arrival)) {
      this.#park(room, arrival);
      return;
    }
    if (arrival.base > room.head) {
      this.#park(room, arrival);
      this.#noteHole(room, SHARED_LIMITS.holeWaitMs);
      return;
    }
    if (arrival.first > room.head + 1) this.#move(room, room.epoch, arrival.first - 1);
    this.#push(room, arrival);
    this.#unpark(room);
  }

  /**
   * Whether offsets were burned before the arrival that this node knows to have been given: the log has lost them, and is to
   * begin a new epoch. Those of its own that waited behind others have not been shown, and are not acked either.
   */
  #showsLoss(room: SharedRoom, { base, first }: Arrival): boolean {
    if (first > base + 1) {
      const before = room.lostHead;
      // The end of what was burned was given to nobody: a room that has moved there has shown nothing of it.
      if (room.head > base && room.head < first - 1) room.lostHead = Math.max(before, room.head);
      for (const [key, parked] of room.parked) {
        const last = key - 1 + takenOf(parked);
        if (last <= base || last >= first) continue;
        room.lostHead = Math.max(room.lostHead, last);
        room.parked.set(key, { ...parked, isReplicated: false });
      }
      if (room.lostHead > before) {
        this.#holes.delete(room);
        this.#noteHole(room, 0);
      }
    }
    return room.lostHead > 0;
  }

  /** The room's head runs ahead of the ring: what is pushed is as good as written. */
  #push(room: SharedRoom, arrival: Arrival): void {
    this.#arrivals.push({ room, arrival });
    const taken = takenOf(arrival);
    // Nothing but repeats says where the log is, not that what is before it has come.
    if (arrival.epoch !== room.epoch || taken === 0) return;
    room.head = Math.max(room.head, arrival.first - 1 + taken);
    room.ts = Math.max(room.ts, arrival.ts);
  }

  #park(room: SharedRoom, arrival: Arrival): void {
    if (room.parked.size < SHARED_LIMITS.parkedMax || arrival.batch !== undefined) {
      const before = room.parked.get(arrival.first);
      // The one that knows its publishers is worth more than the message of the same batch.
      if (before?.batch === undefined) room.parked.set(arrival.first, arrival);
    }
    room.knownHead = Math.max(room.knownHead, arrival.first - 1 + takenOf(arrival));
  }

  /** Takes up what waited and is next now. */
  #unpark(room: SharedRoom): void {
    if (room.lostHead > 0) return;
    for (let found = true; found && room.parked.size > 0; ) {
      found = false;
      for (const [first, arrival] of room.parked) {
        const last = first - 1 + takenOf(arrival);
        if (arrival.base > room.head && last > room.head) continue;
        if (last > room.head && this.#showsLoss(room, arrival)) return;
        room.parked.delete(first);
        found = true;
        if (last <= room.head && arrival.batch === undefined) continue;
        if (last > room.head && first > room.head + 1) this.#move(room, room.epoch, first - 1);
        this.#push(room, arrival);
      }
    }
    if (room.knownHead <= room.head) this.#holes.delete(room);
  }

  /** After a room has opened: takes up what came meanwhile. */
  opened(room: SharedRoom): void {
    room.knownHead = 0;
    for (const [first, arrival] of room.parked) {
      if (arrival.epoch !== room.epoch) room.parked.delete(first);
      else room.knownHead = Math.max(room.knownHead, first - 1 + takenOf(arrival));
    }
    this.#unpark(room);
    if (room.parked.size > 0) this.#noteHole(room, SHARED_LIMITS.holeWaitMs);
  }

  /** The room goes on after `head`: of what is before, viewers get what the log has. */
  #move(room: SharedRoom, epoch: string, head: number): void {
    const parked = epoch === room.epoch ? [] : [...room.parked.values()];
    room.begin(epoch, head);
    this.#holes.delete(room);
    room.holeAt = 0;
    for (const arrival of parked) if (arrival.batch !== undefined) this.#push(room, arrival);
    // Entries of the old number must lie in the ring before the word that it is over.
    this.#arrivals.push({ room, arrival: { ...MOVED, epoch, base: head } });
  }

  /** The room is known to go on after `head` in another epoch, or after a hole that nothing can fill. */
  moveTo(room: SharedRoom, epoch: string, head: number): void {
    this.#move(room, epoch, head);
    this.#unpark(room);
    if (room.parked.size > 0) this.#noteHole(room, SHARED_LIMITS.holeWaitMs);
  }

  #noteHole(room: SharedRoom, waitMs: number): void {
    if (this.#holes.has(room)) return;
    this.#holes.add(room);
    room.holeAt = this.#options.clock.monotonic() + waitMs;
  }

  #readHole(room: SharedRoom, now: number): void {
    if (room.isReading) return;
    if (room.state !== "open" || (room.knownHead <= room.head && room.lostHead === 0)) {
      this.#holes.delete(room);
      return;
    }
    room.holeAt = now + SHARED_LIMITS.retryMsMax;
    const through = this.#holeEnd(room);
    if (room.lostHead > 0 || through - room.head > SHARED_LIMITS.holeRecordsMax) {
      // More than a window holds: viewers read it themselves. What was burned after a loss is always more.
      this.claim(room, (head) => {
        // Not by the log that burned them, then: it may be another server that is asked the next time.
        if (room.lostHead > 0 && head < through) return;
        const to = Math.max(room.head, Math.min(through, head));
        if (to > room.head || room.lostHead > 0) this.moveTo(room, room.epoch, to);
      });
      return;
    }
    room.isReading = true;
    this.#options.counters.add(METRICS.holesRead, 1);
    const { epoch, head } = room;
    this.#options.log.read(room.name, head, through, SHARED_LIMITS.holeRecordsMax, (result) => {
      room.isReading = false;
      if (result instanceof Error) this.#options.onFailure(result);
      else if (room.epoch === epoch && room.state === "open" && room.lostHead === 0)
        this.#fill(room, through, result);
      this.#options.wake();
    });
  }

  /**
   * Has the log say whether it has all that was given in the room. Where it has, `onKnown` learns its head; where not, it
   * begins a new epoch, and the room goes on there. `given`: the epoch and the highest offset that it is asked about.
   */
  claim(
    room: SharedRoom,
    onKnown: (head: number) => void,
    given = { epoch: room.epoch, head: Math.max(room.head, room.lostHead) },
  ): void {
    const { epoch } = room;
    this.#options.log.append(room.name, { ...CLAIM, ...given }, (result) => {
      if (result instanceof Error) return this.#options.onFailure(result);
      if (room.state !== "open" || room.epoch !== epoch) return;
      if (result.epoch === epoch) onKnown(result.first - 1);
      else if (!room.isPast(result.epoch)) this.moveTo(room, result.epoch, result.first - 1);
      this.#options.wake();
    });
  }

  /** The last offset of the first hole. */
  #holeEnd(room: SharedRoom): number {
    let end = room.knownHead;
    for (const { base, first } of room.parked.values()) {
      // What was burned from before the head of the room on is a hole up to its end.
      if (first > room.head) end = Math.min(end, base > room.head ? base : first - 1);
    }
    return end;
  }

  /** What the log has of a hole; what it does not have will not come. */
  #fill(room: SharedRoom, through: number, { bytes, count, scheduled }: SharedStretch): void {
    this.#holes.delete(room);
    let at = 0;
    let index = 0;
    while (index < count && recordOffset(bytes, at) <= room.head) {
      at += recordStride(bytes, at);
      index++;
    }
    while (index < count) {
      const first = recordOffset(bytes, at);
      if (first > room.head + 1) this.#move(room, room.epoch, first - 1);
      const from = at;
      const started = index;
      let last = first;
      do {
        last = recordOffset(bytes, at);
        at += recordStride(bytes, at);
        index++;
      } while (index < count && recordOffset(bytes, at) === last + 1);
      this.#push(room, {
        ...START,
        epoch: room.epoch,
        base: first - 1,
        first,
        ts: 0,
        outcomes: "",
        bytes: bytes.slice(from, at),
        count: index - started,
        batch: undefined,
        repeats: [],
        isComplete: true,
        isReplicated: true,
        scheduled,
      });
    }
    if (room.head < through) this.#move(room, room.epoch, through);
    this.#unpark(room);
    if (room.knownHead > room.head || room.parked.size > 0) this.#noteHole(room, SHARED_LIMITS.holeWaitMs);
  }

  /** Writes as much of an arrival as the ring takes; returns whether that is all. @hot bench/redis.ts */
  #write(room: SharedRoom, arrival: Arrival): boolean {
    const { writer, clock, counters } = this.#options;
    if (arrival.isMove) {
      if (!writer.hasRoom()) return false;
      room.ringEpoch = arrival.epoch;
      room.ringHead = arrival.base;
      this.#options.onMoved(room);
      return true;
    }
    const { batch, outcomes, bytes, count } = arrival;
    if (batch?.settings !== undefined) return true;
    const now = clock.now();
    // All arrivals have their records at a multiple of four.
    const words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2);
    let shown = 0;
    while (arrival.index < count && writer.hasRoom()) {
      const outcome = outcomes === "" ? "t" : outcomes[arrival.index];
      if (!isTaken(outcome)) {
        this.#notTaken(room, arrival, outcome);
        step(arrival);
        continue;
      }
      const offset = arrival.isComplete ? recordOffset(bytes, arrival.at) : arrival.first + arrival.taken++;
      // One that is no successor waited for others when its epoch ended: it is answered, and shown to nobody.
      const isShown = arrival.epoch === room.ringEpoch && offset === room.ringHead + 1;
      if (isShown) {
        if (!arrival.isComplete) {
          patchLogRecord(bytes, arrival.at, offset, arrival.ts);
          if (outcome === "s") {
            markSampled(bytes, arrival.at);
            counters.add(METRICS.sampled, 1);
          }
        }
        room.ringHead = offset;
        room.counted(outcome === "s", now);
        this.#record(room, arrival, words);
        shown++;
      } else if (batch !== undefined) {
        // Viewers have it already, from the message or from the log.
        if (arrival.isReplicated) writer.repeat(room.number, batch.origin(arrival.index), offset, arrival.ts);
        else writer.reject(batch.origin(arrival.index), "unavailable");
      }
      if (arrival.scheduled !== undefined) this.#delivered(room, arrival, offset);
      step(arrival);
    }
    if (batch !== undefined && shown > 0) counters.add(METRICS.sequenced, shown);
    return arrival.index === count;
  }

  /**
   * The publish has the key of one that is in the log, or waits for its time; or it came too soon. Nodes other than its own
   * pass it by.
   */
  #notTaken(room: SharedRoom, arrival: Arrival, outcome: string | undefined): void {
    const { writer, counters, answers } = this.#options;
    const first = arrival.repeats[arrival.repeated++];
    const origin = arrival.batch?.origin(arrival.index);
    if (origin === undefined || first === undefined) return;
    if (outcome === "w") answers.waits(room, origin, first.offset, first.ts, true);
    else if (outcome === "l") writer.reject(origin, "rate_limited", first.ts);
    else {
      counters.add(METRICS.repeats, 1);
      if (arrival.isReplicated) writer.repeat(room.number, origin, first.offset, first.ts);
      else writer.reject(origin, "unavailable");
    }
  }

  /** Tells who waits for the delivery of the current record, if it is one that waited. */
  #delivered(
    room: SharedRoom,
    { scheduled, index, at, bytes, ts, isComplete }: Arrival,
    offset: number,
  ): void {
    const number = scheduled instanceof Map ? scheduled.get(offset) : (scheduled as readonly number[])[index];
    const writtenAt = isComplete ? recordTs(bytes, at) : ts;
    if (number !== undefined) this.#options.answers.delivered(room, number, offset, writtenAt);
  }

  /** @hot bench/redis.ts */
  #record(room: SharedRoom, arrival: Arrival, words: Int32Array): void {
    const { bytes, at, batch, index, isReplicated } = arrival;
    const { writer } = this.#options;
    const stride = recordStride(bytes, at);
    const origin = isReplicated ? batch?.origin(index) : undefined;
    const into = writer.claim(ENVELOPE_BYTES + stride, BroadcastKind.record, room.number, origin);
    copyWords(words, at >> 2, writer.ring.words, (into + ENVELOPE_BYTES) >> 2, stride >> 2);
    if (batch !== undefined && !isReplicated) writer.reject(batch.origin(index), "unavailable");
  }
}

const START = { isMove: false, index: 0, at: 0, taken: 0, repeated: 0 } as const;

/** Stands in line for the word that a room goes on elsewhere: in `epoch`, after `base`. */
const MOVED: Arrival = {
  ...START,
  isMove: true,
  epoch: "",
  base: 0,
  first: 0,
  ts: 0,
  outcomes: "",
  bytes: new Uint8Array(0),
  count: 0,
  batch: undefined,
  repeats: [],
  isComplete: true,
  isReplicated: true,
};
