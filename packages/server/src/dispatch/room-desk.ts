/**
 * The rooms of this worker, and which of them want what: to be attached, to be read, to be delivered. Knows neither
 * Redis nor sinks; those who do take their work from here.
 */
import type { DispatchRoom } from "./dispatch-room.ts";
import { QUEUED_CHARS_MAX, QUEUED_ENTRIES_MAX, READ_ROOMS_MAX, ROOM_AHEAD_MAX } from "./limits.ts";
import { Company, type QueuedEntry } from "./queued-entry.ts";
import { Wakeup } from "./wakeup.ts";

/** Entries of one room that go to the sinks together. */
export interface BatchPart {
  readonly room: DispatchRoom;
  readonly entries: readonly QueuedEntry[];
}

export class RoomDesk {
  readonly rooms = new Map<string, DispatchRoom>();
  /** Rooms to be attached or to have their pending entries claimed. */
  readonly toAttach = new Set<DispatchRoom>();
  readonly attachWanted = new Wakeup();
  readonly readWanted = new Wakeup();
  readonly deliveryWanted = new Wakeup();
  /** A call of the sinks has ended. */
  readonly sinkFree = new Wakeup();
  /** Nothing waits for a sink, and another call could be made at once. */
  isSinkFree: () => boolean = () => true;
  /** The last read brought a lot, or as much of a room as it may: a backlog, which is read ahead of the sinks. */
  hasBacklog = false;
  queuedEntries = 0;
  queuedChars = 0;
  /** Called when a room has become due, e.g. to end a wait that does not include it. */
  onDue: () => void = () => {};
  /** New entries of a room may be read, as far as its lease goes. */
  mayRead: (room: DispatchRoom) => boolean = () => true;
  readonly #due = new Set<DispatchRoom>();
  readonly #deliverable = new Set<DispatchRoom>();
  /** Rooms that had something of late, newest last; a waiting read watches them. */
  readonly #recent = new Set<DispatchRoom>();

  /** As much is in memory as may be: nothing more is read until some of it is acknowledged. */
  get isFull(): boolean {
    return this.queuedEntries >= QUEUED_ENTRIES_MAX || this.queuedChars >= QUEUED_CHARS_MAX;
  }

  /** Something could go to a sink now. */
  get hasDeliverable(): boolean {
    return this.#deliverable.size > 0;
  }

  /** Rooms that may be read, and may have something. */
  get dueRooms(): number {
    return this.#due.size;
  }

  add(room: DispatchRoom): void {
    this.rooms.set(room.name, room);
    this.attach(room);
  }

  /** Has a room attached (again); its new entries wait until that is done. */
  attach(room: DispatchRoom): void {
    if (room.isLeft) return;
    if (room.phase === "ready") room.phase = "new";
    this.toAttach.add(room);
    this.refresh(room);
    this.attachWanted.wake();
  }

  /** There may be something new in a room. */
  ring(room: DispatchRoom): void {
    if (room.isDue && this.#due.has(room)) return;
    room.isDue = true;
    this.refresh(room);
  }

  /** Lets go of a room. What is at the sinks is let finish, but neither retried nor acknowledged here. */
  remove(room: DispatchRoom): void {
    room.phase = "left";
    clearTimeout(room.retryTimer);
    this.#count(room.queue.splice(room.atSink), -1);
    if (this.rooms.get(room.name) === room) this.rooms.delete(room.name);
    this.toAttach.delete(room);
    this.#recent.delete(room);
    this.refresh(room);
  }

  startOver(room: DispatchRoom): void {
    this.#count(room.queue.slice(room.atSink), -1);
    room.startOver();
    this.attach(room);
  }

  /** New entries of a room. @returns how many of them were not known. */
  receive(room: DispatchRoom, entries: readonly QueuedEntry[], areClaimed: boolean): number {
    const added = areClaimed ? room.appendClaimed(entries) : room.appendRead(entries);
    this.#count(added, 1);
    if (!areClaimed) this.#noteRecent(room);
    this.refresh(room);
    return added.length;
  }

  /** Up to `max` rooms that may have something and may be read. */
  takeDue(max: number): readonly DispatchRoom[] {
    const taken: DispatchRoom[] = [];
    for (const room of this.#due) {
      if (taken.length >= max) break;
      taken.push(room);
    }
    for (const room of taken) {
      room.isDue = false;
      room.isReading = true;
      this.#due.delete(room);
    }
    return taken;
  }

  /** Rooms that had something of late, to wait on; a room that cannot be read just now is looked at afterwards. */
  takeRecent(): readonly DispatchRoom[] {
    const taken: DispatchRoom[] = [];
    for (const room of this.#recent) {
      if (this.#isReadable(room)) taken.push(room);
      else room.isDue = true;
    }
    for (const room of taken) room.isReading = true;
    return taken;
  }

  readDone(room: DispatchRoom): void {
    room.isReading = false;
    this.refresh(room);
  }

  /**
   * Entries for one call of a sink: of as many rooms as fit, or of one only where that has failed before.
   * @returns undefined where there is nothing to do.
   */
  takeBatch(max: number): readonly BatchPart[] | undefined {
    const parts: BatchPart[] = [];
    let count = 0;
    for (const room of this.#deliverable) {
      const company = companyOf(room.queue[0]);
      if (company !== Company.any && parts.length > 0) continue;
      const entries = runOf(room, max - count);
      parts.push({ room, entries });
      count += entries.length;
      if (company !== Company.any || count >= max) break;
    }
    for (const { room, entries } of parts) {
      room.atSink = entries.length;
      this.refresh(room); // what is at the sink makes place for more to be read
    }
    return parts.length === 0 ? undefined : parts;
  }

  /** The first entries of a room are done with: acknowledged, buried, or no longer ours. */
  finish({ room, entries }: BatchPart): void {
    room.atSink = 0;
    this.#count(room.queue.splice(0, entries.length), -1);
    if (room.phase === "claiming" && room.queue.length === 0) this.attach(room);
    this.refresh(room);
    if (this.#due.size > 0 || room.isDue) this.readWanted.wake();
  }

  /** They are to be tried again, at once or after a while. Those behind them wait. */
  retry({ room }: BatchPart, afterMs: number): void {
    room.atSink = 0;
    if (room.isLeft) {
      this.#count(room.queue.splice(0), -1);
      return;
    }
    if (afterMs > 0) {
      room.retryTimer = setTimeout(() => {
        room.retryTimer = undefined;
        this.refresh(room);
      }, afterMs);
    }
    this.refresh(room);
  }

  /** Puts a room where it belongs after any change. */
  refresh(room: DispatchRoom): void {
    if (room.isDue && this.#isReadable(room) && !room.isReading) {
      if (!this.#due.has(room)) {
        this.#due.add(room);
        this.readWanted.wake();
        this.onDue();
      }
    } else this.#due.delete(room);
    if (!room.isLeft && room.atSink === 0 && room.queue.length > 0 && room.retryTimer === undefined) {
      this.#deliverable.add(room);
      this.deliveryWanted.wake();
    } else this.#deliverable.delete(room);
  }

  #noteRecent(room: DispatchRoom): void {
    this.#recent.delete(room);
    this.#recent.add(room);
    if (this.#recent.size <= READ_ROOMS_MAX) return;
    const [oldest] = this.#recent;
    if (oldest !== undefined) this.#recent.delete(oldest);
  }

  #isReadable(room: DispatchRoom): boolean {
    return room.phase === "ready" && room.queue.length < room.atSink + ROOM_AHEAD_MAX && this.mayRead(room);
  }

  #count(entries: readonly QueuedEntry[], sign: 1 | -1): void {
    this.queuedEntries += sign * entries.length;
    for (const { chars } of entries) this.queuedChars += sign * chars;
  }
}

/** An entry that no sink can be given is dealt with by itself. */
function companyOf(entry: QueuedEntry | undefined): Company {
  if (entry === undefined) return Company.any;
  return typeof entry.entry === "string" ? Company.none : entry.company;
}

/** The first entries of a room that may be tried together. */
function runOf({ queue }: DispatchRoom, max: number): readonly QueuedEntry[] {
  const company = companyOf(queue[0]);
  if (company === Company.none) return queue.slice(0, 1);
  let end = 1;
  while (end < queue.length && end < max && companyOf(queue[end]) === company) end++;
  return queue.slice(0, end);
}
