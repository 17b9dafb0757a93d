/** A room that this worker serves: where it stands, and the entries that wait. */
import type { QueuedEntry } from "./queued-entry.ts";

/**
 * - `new`: to be attached: the group made, the token noted, pending entries looked for. Also after a read whose reply was
 *   lost, since Redis may have given us entries that we never saw.
 * - `claiming`: taking over pending entries, before anything new is read, so that the order holds.
 * - `ready`: new entries may be read.
 * - `left`: no longer ours, or gone. Nothing is done with it any more.
 */
export type RoomPhase = "new" | "claiming" | "ready" | "left";

export class DispatchRoom {
  readonly name: string;
  readonly slot: number;
  /** Of the slot's lease. */
  readonly token: string;
  phase: RoomPhase = "new";
  /** Epoch of the entries above `epochFrom`; those below are of the one before. Empty = unknown. */
  epoch = "";
  epochFrom = -1;
  epochBefore = "";
  /** Entries in the order of their offsets; the first `atSink` of them are with the sinks or being acknowledged. */
  readonly queue: QueuedEntry[] = [];
  atSink = 0;
  /** A read with this room in it is under way. */
  isReading = false;
  /** There may be something that was not read. */
  isDue = false;
  /** A failed entry waits for its next try until the timer ends. */
  retryTimer: Timer | undefined;
  /** A try was noted in Redis, to be struck out with the next ack. */
  isTryNoted = false;
  /** Acks in a row by which more was pending than is here. */
  surplusAcks = 0;
  /** Pending entries idle for at least so long are claimed at the next attaching. */
  claimIdleMs = 0;
  claimCursor = "0-0";
  /** How often it was to be claimed anew: an attaching that was begun before knows too little. */
  claimsAsked = 0;
  /** The highest offset that came into the queue. */
  lastOffset = -1;

  constructor(name: string, slot: number, token: string) {
    this.name = name;
    this.slot = slot;
    this.token = token;
  }

  /** No longer ours; what is under way with it comes to nothing. */
  get isLeft(): boolean {
    return this.phase === "left";
  }

  /** The epoch that an offset belongs to. */
  epochOf(offset: number): string {
    return offset > this.epochFrom ? this.epoch : this.epochBefore;
  }

  /** An epoch begins behind an offset. */
  beginEpoch(epoch: string, from: number, before = this.epoch): void {
    if (epoch === this.epoch) return;
    this.epochBefore = before === "" ? epoch : before;
    this.epochFrom = from;
    this.epoch = epoch;
  }

  /**
   * Puts new entries into the queue. A read gives what nobody had, so what is not above all we had was claimed meanwhile,
   * while the reply was under way.
   */
  appendRead(entries: readonly QueuedEntry[]): readonly QueuedEntry[] {
    const added = entries.filter(
      ({ offset, id }) => offset > this.lastOffset || (offset === this.lastOffset && !id.endsWith("-0")),
    );
    return this.#push(added);
  }

  /** Puts entries that were taken over into the queue, before what came after them. */
  appendClaimed(entries: readonly QueuedEntry[]): readonly QueuedEntry[] {
    const known = new Set(this.queue.map(({ id }) => id));
    const added = this.#push(entries.filter(({ id }) => !known.has(id)));
    const waiting = this.queue.splice(this.atSink);
    this.queue.push(...waiting.sort((a, b) => a.offset - b.offset));
    return added;
  }

  /** Whatever is pending may be ours without our knowing: the next attaching claims all of it. */
  askClaim(): void {
    this.claimIdleMs = 0;
    this.claimCursor = "0-0";
    this.claimsAsked++;
  }

  /** The stream is another one, or is read from its beginning again: what waits comes again. */
  startOver(): void {
    this.phase = "new";
    this.epoch = "";
    this.epochFrom = -1;
    this.epochBefore = "";
    this.lastOffset = -1;
    this.askClaim();
    this.queue.length = this.atSink;
  }

  #push(added: readonly QueuedEntry[]): readonly QueuedEntry[] {
    this.queue.push(...added);
    for (const { offset } of added) this.lastOffset = Math.max(this.lastOffset, offset);
    return added;
  }
}
