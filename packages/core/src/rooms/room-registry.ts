/** The rooms a gateway watches, and its questions about rooms to the sequencer. */
import { DanmakuError } from "@danmakud/wire";
import type { Sanction } from "../ports/index.ts";
import { NO_TIMER, type ThreadTimers, type TimerKind } from "../timing/index.ts";
import type { RoomEntry } from "./broadcast-entry.ts";
import { ENVELOPE_BYTES, IngressKind, padded } from "./envelope-descriptor.ts";
import type { GatewayContext } from "./gateway-context.ts";
import { RETRY_AFTER_MS, ROOM_LIMITS } from "./limits.ts";
import { METRICS } from "./metrics.ts";
import { SanctionBook } from "./sanction-book.ts";
import { WatchedRoom } from "./watched-room.ts";

/** The sequencer's word on a room, and the position of the answer in the broadcast ring, absolute. */
export interface RoomAnswer extends RoomEntry {
  readonly position: number;
  /** Mutes and bans that hold there. */
  readonly sanctions?: SanctionBook | undefined;
}

type OnAnswer = (answer: RoomAnswer | DanmakuError) => void;
/** A room's viewers belong in another room now, or nowhere. */
type OnReplaced = (room: WatchedRoom, replacement: WatchedRoom | DanmakuError) => void;
/** A room is watched from now on (with the ring position of the answer), has another number, or is watched no longer. */
export interface RoomChanges {
  opened(room: WatchedRoom, position: number, visibleHead: number | undefined): void;
  renumbered(room: WatchedRoom): void;
  forget(room: WatchedRoom): void;
}

type OnRoom = (room: WatchedRoom | DanmakuError) => void;

interface Question {
  readonly onAnswer: OnAnswer;
  readonly askedAt: number;
  /** What was told before the answer. */
  sanctions?: SanctionBook;
}

const encoder = new TextEncoder();

export class RoomRegistry {
  readonly #context: GatewayContext;
  readonly #onReplaced: OnReplaced;
  readonly #changes: RoomChanges;
  readonly #byName = new Map<string, WatchedRoom>();
  readonly #byNumber = new Map<number, WatchedRoom>();
  /** Rooms being opened, with those who wait for them. */
  readonly #opening = new Map<string, OnRoom[]>();
  readonly #questions = new Map<number, Question>();
  /** Rooms whose viewer count the sequencer does not know yet. */
  readonly #uncounted = new Set<WatchedRoom>();
  readonly #timers: ThreadTimers;
  readonly #linger: TimerKind;
  #ticket = 0;
  /** The rooms whose windows are still to be measured in this round, what those before them take, and when the next round is. */
  #measuring: Iterator<WatchedRoom> | undefined;
  #measuredBytes = 0;
  #measureAt = 0;
  #lastNumber = -1;
  #last: WatchedRoom | undefined;

  constructor(context: GatewayContext, onReplaced: OnReplaced, changes: RoomChanges) {
    this.#changes = changes;
    this.#context = context;
    this.#onReplaced = onReplaced;
    this.#timers = context.timers;
    this.#linger = context.timers.coarse((number, now) => this.#lingered(number, now));
  }

  get size(): number {
    return this.#byName.size;
  }

  get(name: string): WatchedRoom | undefined {
    return this.#byName.get(name);
  }

  /** The watched room with this number. @hot */
  byNumber(number: number): WatchedRoom | undefined {
    if (number === this.#lastNumber) return this.#last;
    this.#last = this.#byNumber.get(number);
    this.#lastNumber = number;
    return this.#last;
  }

  /**
   * Gives the room to `onRoom`, opening it where it is not watched yet. Called back within the reading of the broadcast
   * ring, so that no record after the opening is missed.
   */
  open(name: string, onRoom: OnRoom): void {
    const room = this.#byName.get(name);
    if (room !== undefined) {
      onRoom(room);
      return;
    }
    const waiting = this.#opening.get(name);
    if (waiting !== undefined) {
      if (waiting.length >= ROOM_LIMITS.openWaitersMax) {
        onRoom(overloaded());
        return;
      }
      waiting.push(onRoom);
      return;
    }
    this.#opening.set(name, [onRoom]);
    this.#ask(name, true, (answer) => {
      const opened = answer instanceof DanmakuError ? answer : this.#watch(answer);
      const waiters = this.#opening.get(name) ?? [];
      this.#opening.delete(name);
      for (const waiter of waiters) waiter(opened);
    });
  }

  /** Asks the sequencer about a room without opening it. */
  look(name: string, onAnswer: OnAnswer): void {
    this.#ask(name, false, onAnswer);
  }

  /** A mute or ban that holds in the room that a question is about; the answer follows. */
  told(ticket: number, sanction: Sanction): void {
    const question = this.#questions.get(ticket);
    if (question === undefined) return;
    question.sanctions ??= new SanctionBook();
    question.sanctions.put(sanction);
  }

  /** The answer to a question, from the ring. */
  answered(ticket: number, answer: RoomAnswer | DanmakuError): void {
    const question = this.#questions.get(ticket);
    if (question === undefined) return;
    this.#questions.delete(ticket);
    question.onAnswer(answer instanceof DanmakuError ? answer : { ...answer, sanctions: question.sanctions });
  }

  /** Viewers came or went. */
  changed(room: WatchedRoom): void {
    if (room.viewers.length !== room.reported) this.#uncounted.add(room);
    if (room.viewers.length === 0 && room.lingerTimer === NO_TIMER) {
      this.#wait(room, this.#context.clock.monotonic() + this.#context.roomLingerMs);
    }
  }

  /**
   * The sequencer has let go of the number. Where somebody entered at the same moment the room is opened again: it goes
   * on as it was, or, where the log had nothing of it, as a new one with another epoch.
   */
  closed(number: number): void {
    const room = this.#byNumber.get(number);
    if (room === undefined) return;
    if (room.viewers.length === 0 && room.inFlight === 0) {
      this.#drop(room);
      return;
    }
    this.#byNumber.delete(number);
    this.#lastNumber = -1;
    this.#ask(room.name, true, (answer) => {
      if (this.#byName.get(room.name) !== room) return;
      if (!(answer instanceof DanmakuError) && answer.epoch === room.epoch && answer.head === room.head) {
        this.#timers.cancel(room.lingerTimer);
        room.number = answer.number;
        this.#wait(room, this.#context.clock.monotonic() + this.#context.roomLingerMs);
        room.reported = 0;
        room.sanctions = answer.sanctions;
        this.#byNumber.set(room.number, room);
        this.#lastNumber = -1;
        this.#changes.renumbered(room);
        this.changed(room);
        return;
      }
      this.#drop(room);
      this.#onReplaced(room, answer instanceof DanmakuError ? answer : this.#watch(answer));
    });
  }

  /** Reports counts, gives up on questions, lets go of empty rooms. */
  tick(now: number): void {
    this.#reportCounts();
    for (const [ticket, question] of this.#questions) {
      if (now - question.askedAt < ROOM_LIMITS.answerTimeoutMs) break;
      this.answered(
        ticket,
        new DanmakuError("unavailable", "no answer in time", { retryAfterMs: RETRY_AFTER_MS.unavailable }),
      );
    }
    this.#context.counters.set(METRICS.roomsWatched, this.#byName.size);
    this.#measure(now);
  }

  #wait(room: WatchedRoom, until: number): void {
    room.lingerTimer = this.#timers.set(until, this.#linger, room.number);
  }

  /** Lets go of a room that has stood empty for the linger time. Where it has viewers, the last one to leave sets the timer. */
  #lingered(number: number, now: number): void {
    const room = this.#byNumber.get(number);
    if (room === undefined) return;
    room.lingerTimer = NO_TIMER;
    if (room.viewers.length > 0) return;
    const until = room.usedAt + this.#context.roomLingerMs;
    if (now < until) this.#wait(room, until);
    else if (room.inFlight > 0 || room.reported !== 0) this.#wait(room, now + LOOK_AGAIN_MS);
    else this.#drop(room);
  }

  /** Adds up what windows take, a part of the rooms each time. */
  #measure(now: number): void {
    if (this.#measuring === undefined) {
      if (now < this.#measureAt) return;
      this.#measureAt = now + MEASURE_MS;
      this.#measuring = this.#byName.values();
      this.#measuredBytes = 0;
    }
    for (let left = ROOM_LIMITS.roomsMeasuredMax; left > 0; left--) {
      const { value: room, done } = this.#measuring.next();
      if (done === true) {
        this.#measuring = undefined;
        this.#context.counters.set(METRICS.windowBytes, this.#measuredBytes);
        return;
      }
      this.#measuredBytes += room.window.size + (room.held?.size ?? 0);
    }
  }

  #ask(name: string, create: boolean, onAnswer: OnAnswer): void {
    const { ingress, incarnation, clock, wakeSequencer } = this.#context;
    if (this.#questions.size >= ROOM_LIMITS.questionsMax) {
      onAnswer(overloaded());
      return;
    }
    const bytes = encoder.encode(name);
    const at = ingress.claim(ENVELOPE_BYTES + padded(bytes.length));
    if (at < 0) {
      onAnswer(overloaded());
      return;
    }
    const ticket = this.#ticket++ | 0;
    const word = at >> 2;
    ingress.words[word] = IngressKind.open | (incarnation << 8) | (bytes.length << 16);
    ingress.words[word + 1] = ticket;
    ingress.words[word + 2] = create ? 1 : 0;
    ingress.bytes.set(bytes, at + ENVELOPE_BYTES);
    this.#questions.set(ticket, { onAnswer, askedAt: clock.monotonic() });
    ingress.commit();
    wakeSequencer();
  }

  #watch(answer: RoomAnswer): WatchedRoom {
    const { name, number, epoch, head, online, position, settings } = answer;
    const now = this.#context.clock.monotonic();
    const room = new WatchedRoom(name, number, epoch, head, online, position, now, settings.delayMs);
    room.sanctions = answer.sanctions;
    this.#byName.set(name, room);
    this.#byNumber.set(number, room);
    this.#lastNumber = -1;
    this.#wait(room, now + this.#context.roomLingerMs);
    this.#changes.opened(room, position, answer.visibleHead);
    return room;
  }

  #drop(room: WatchedRoom): void {
    this.#changes.forget(room);
    this.#timers.cancel(room.lingerTimer);
    this.#byName.delete(room.name);
    this.#byNumber.delete(room.number);
    this.#uncounted.delete(room);
    this.#lastNumber = -1;
  }

  #reportCounts(): void {
    const { ingress, incarnation, wakeSequencer } = this.#context;
    if (this.#uncounted.size === 0) return;
    for (const room of this.#uncounted) {
      const at = ingress.claim(ENVELOPE_BYTES) >> 2;
      if (at < 0) break;
      ingress.words[at] = IngressKind.count | (incarnation << 8);
      ingress.words[at + 1] = 0;
      ingress.words[at + 2] = room.number;
      ingress.words[at + 3] = room.viewers.length;
      room.reported = room.viewers.length;
      this.#uncounted.delete(room);
    }
    ingress.commit();
    wakeSequencer();
  }
}

/** How soon a room is looked at again that has no viewers, but publishes on their way or a count to be told. */
const LOOK_AGAIN_MS = 1000;
/** How often windows are measured. */
const MEASURE_MS = 1000;

function overloaded(): DanmakuError {
  return new DanmakuError("overloaded", "too much at once", { retryAfterMs: RETRY_AFTER_MS.refused });
}
