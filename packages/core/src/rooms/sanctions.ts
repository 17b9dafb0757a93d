/**
 * The mutes and bans that the owner of the rooms (sequencer, or the thread before a shared log) knows: by room, and in a
 * timing wheel of Unix time for their end. What holds is decided by the time that is stored, so a restart changes nothing.
 */
import { type Sanction, type SanctionKind, UNTIL_LIFTED } from "../ports/index.ts";
import { NO_TIMER, TimingWheel } from "../timing/index.ts";
import { ROOM_LIMITS } from "./limits.ts";

const TIMER_KIND = 0;

interface Held {
  readonly sanction: Sanction;
  readonly number: number;
  readonly timer: number;
}

export class Sanctions {
  /** By room, then by kind and uid. */
  readonly #books = new Map<string, Map<string, Held>>();
  /** Those with an end, by the number under which the wheel knows them. */
  readonly #byNumber = new Map<number, Held>();
  readonly #wheel: TimingWheel;
  #over: Sanction[] = [];
  #lastNumber = 0;
  #size = 0;

  /** `now`: Unix ms. */
  constructor(now: number) {
    this.#wheel = new TimingWheel({ now, onFire: (_kind, number) => this.#end(number) });
  }

  /** In all rooms and on the site. */
  get size(): number {
    return this.#size;
  }

  /** Those of a room, in no order; over by now some of them may be. */
  *of(room: string): Iterable<Sanction> {
    for (const { sanction } of this.#books.get(room)?.values() ?? []) yield sanction;
  }

  has(room: string): boolean {
    return this.#books.has(room);
  }

  find(room: string, kind: SanctionKind, uid: string): Sanction | undefined {
    return this.#books.get(room)?.get(keyOf(kind, uid))?.sanction;
  }

  /** Why it cannot be imposed; undefined where it can, or takes the place of another. */
  refusal({ room, kind, uid, until }: Sanction): "overloaded" | undefined {
    if (until === 0) return undefined;
    const book = this.#books.get(room);
    if (book?.has(keyOf(kind, uid))) return undefined;
    const isFull =
      (book?.size ?? 0) >= ROOM_LIMITS.sanctionsPerRoomMax || this.size >= ROOM_LIMITS.sanctionsMax;
    return isFull ? "overloaded" : undefined;
  }

  /** Imposes one, in the place of that of the same kind and user, or lifts it where `until` is 0. */
  put(sanction: Sanction): void {
    const { room, kind, uid, until } = sanction;
    const key = keyOf(kind, uid);
    this.#remove(room, key);
    if (until === 0) return;
    this.#lastNumber = (this.#lastNumber + 1) & 0x7fffffff;
    const number = this.#lastNumber;
    const timer = until === UNTIL_LIFTED ? NO_TIMER : this.#wheel.insert(until, TIMER_KIND, number);
    const held = { sanction, number, timer };
    const book = this.#books.get(room) ?? new Map<string, Held>();
    this.#books.set(room, book);
    book.set(key, held);
    if (timer !== NO_TIMER) this.#byNumber.set(number, held);
    this.#size++;
  }

  /** Lets go of a room's: its owner has closed it. */
  forget(room: string): void {
    for (const key of [...(this.#books.get(room)?.keys() ?? [])]) this.#remove(room, key);
  }

  /** Takes out those that are over, a bounded part of them; nothing is returned twice. */
  over(now: number): readonly Sanction[] {
    this.#wheel.advance(now);
    if (this.#over.length === 0) return [];
    const over = this.#over;
    this.#over = [];
    return over;
  }

  /** When to ask `over` again, Unix ms; infinite where none has an end. */
  nextAt(): number {
    return this.#wheel.nextAt();
  }

  #end(number: number): void {
    const held = this.#byNumber.get(number);
    if (held === undefined) return;
    this.#over.push(held.sanction);
    this.#remove(held.sanction.room, keyOf(held.sanction.kind, held.sanction.uid));
  }

  #remove(room: string, key: string): void {
    const book = this.#books.get(room);
    const held = book?.get(key);
    if (book === undefined || held === undefined) return;
    this.#wheel.cancel(held.timer);
    this.#byNumber.delete(held.number);
    book.delete(key);
    this.#size--;
    if (book.size === 0) this.#books.delete(room);
  }
}

function keyOf(kind: SanctionKind, uid: string): string {
  return `${kind} ${uid}`;
}
