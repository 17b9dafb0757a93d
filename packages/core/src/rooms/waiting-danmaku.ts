/**
 * Danmaku that wait for their time, as the sequencer holds them: by time in a wheel of Unix milliseconds, by room and
 * key to be found again. What is here is in the log's store too, or on its way there; a node that starts reads it back.
 */
import { danmakuUid, type ErrorCode } from "@danmakud/wire";
import type { ScheduledDanmaku } from "../ports/index.ts";
import { TimingWheel } from "../timing/index.ts";
import { ROOM_LIMITS } from "./limits.ts";

const TIMER_KIND = 0;

interface Waiting extends ScheduledDanmaku {
  readonly handle: number;
}

export class WaitingDanmaku {
  readonly #byNumber = new Map<number, Waiting>();
  /** Numbers by room, uid and key. */
  readonly #byIdentity = new Map<string, number>();
  readonly #perRoom = new Map<string, number>();
  readonly #wheel: TimingWheel;
  /** Numbers whose time has come, in order, and how many of them were taken. */
  #due: number[] = [];
  #taken = 0;
  #bytes = 0;
  #last: number;

  /** Starts with what the log has: `last` is the highest number it ever had. `now`: Unix ms. */
  constructor(now: number, last: number, waiting: Iterable<ScheduledDanmaku>) {
    this.#last = last;
    this.#wheel = new TimingWheel({
      now,
      onFire: (_kind, number) => this.#due.push(number),
      timersMax: ROOM_LIMITS.scheduledMax,
    });
    // Equal times fire in the order of insertion, which is to be that of the numbers.
    for (const one of [...waiting].sort((a, b) => a.number - b.number)) this.#hold(one);
  }

  get size(): number {
    return this.#byNumber.size;
  }

  /** The one that waits under an identity (uid, LF, key) in a room. */
  find(room: string, identity: string): ScheduledDanmaku | undefined {
    const number = this.#byIdentity.get(`${room}\n${identity}`);
    return number === undefined ? undefined : this.#byNumber.get(number);
  }

  /** Why another one of so many bytes cannot wait in a room; undefined where it can. */
  refusal(room: string, bytes: number): ErrorCode | undefined {
    const isFull =
      this.size >= ROOM_LIMITS.scheduledMax ||
      (this.#perRoom.get(room) ?? 0) >= ROOM_LIMITS.scheduledPerRoomMax ||
      this.#bytes + bytes > ROOM_LIMITS.scheduledBytesMax;
    return isFull ? "overloaded" : undefined;
  }

  /** Has a danmaku wait; returns its number. Ask `refusal` before. */
  add(room: string, deliverAt: number, key: string, record: Uint8Array): number {
    const number = ++this.#last;
    this.#hold({ number, room, deliverAt, key, record });
    return number;
  }

  /** Takes one back; false where none waits under that number. */
  cancel(number: number): boolean {
    const waiting = this.#byNumber.get(number);
    if (waiting === undefined) return false;
    this.#wheel.cancel(waiting.handle);
    this.#forget(waiting);
    return true;
  }

  /** The first one whose time has come; it stays the first until `delivered`. */
  due(now: number): ScheduledDanmaku | undefined {
    if (this.size === 0) return undefined;
    // Some that were due may have been taken back since.
    for (;;) {
      if (this.#taken === this.#due.length) {
        this.#due.length = 0;
        this.#taken = 0;
        const isMore = this.#wheel.advance(now);
        if (this.#due.length === 0) {
          if (isMore) continue;
          return undefined;
        }
      }
      const waiting = this.#byNumber.get(this.#due[this.#taken] as number);
      if (waiting !== undefined) return waiting;
      this.#taken++;
    }
  }

  /** The first one that was due is in the log now. */
  delivered(): void {
    const waiting = this.#byNumber.get(this.#due[this.#taken++] as number);
    if (waiting !== undefined) this.#forget(waiting);
  }

  /** How many have a time at or before `now`. */
  overdue(now: number): number {
    let count = 0;
    for (const { deliverAt } of this.#byNumber.values()) if (deliverAt <= now) count++;
    return count;
  }

  /** When to ask `due` again, Unix ms; infinite where nothing waits. */
  nextAt(): number {
    if (this.#taken < this.#due.length) return Number.NEGATIVE_INFINITY;
    return this.#wheel.nextAt();
  }

  #hold(one: ScheduledDanmaku): void {
    const handle = this.#wheel.insert(one.deliverAt, TIMER_KIND, one.number);
    this.#byNumber.set(one.number, { ...one, handle });
    if (one.key !== "") this.#byIdentity.set(identityOf(one), one.number);
    this.#perRoom.set(one.room, (this.#perRoom.get(one.room) ?? 0) + 1);
    this.#bytes += one.record.length;
  }

  #forget(waiting: Waiting): void {
    const { room, number } = waiting;
    this.#byNumber.delete(number);
    if (waiting.key !== "") this.#byIdentity.delete(identityOf(waiting));
    const left = (this.#perRoom.get(room) ?? 1) - 1;
    if (left === 0) this.#perRoom.delete(room);
    else this.#perRoom.set(room, left);
    this.#bytes -= waiting.record.length;
  }
}

function identityOf({ room, key, record }: ScheduledDanmaku): string {
  return `${room}\n${danmakuUid(record, 0)}\n${key}`;
}
