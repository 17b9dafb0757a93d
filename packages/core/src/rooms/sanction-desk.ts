/**
 * What the owner of the rooms tells gateways and journal of mutes and bans: changes, ends, and to a gateway that opens a
 * room those that hold there. Everything goes through one queue, so that the ring has it in the order in which it came
 * to be; where the ring is full the queue waits.
 */
import { type Sanction, SITE } from "../ports/index.ts";
import type { BroadcastWriter, Origin } from "./broadcast-writer.ts";
import { ROOM_LIMITS } from "./limits.ts";
import { Sanctions } from "./sanctions.ts";

export class SanctionDesk {
  readonly held: Sanctions;
  readonly #writer: BroadcastWriter;
  /** What is to be written, an entry each. Bounded by those that hold, times the gateways that open a room at once. */
  #queue: (() => void)[] = [];
  #done = 0;
  #written = 0;

  readonly #onOver: ((sanction: Sanction) => void) | undefined;

  /** `now`: Unix ms. `onOver` is told of each that has come to its end. */
  constructor(
    writer: BroadcastWriter,
    now: number,
    sanctions: Iterable<Sanction>,
    onOver?: (sanction: Sanction) => void,
  ) {
    this.#writer = writer;
    this.#onOver = onOver;
    this.held = new Sanctions(now);
    for (const sanction of sanctions) this.held.put(sanction);
  }

  /** Whether something waits for room in the ring; what comes after it has to wait too. */
  get isBusy(): boolean {
    return this.#queue.length > 0;
  }

  /** When `turn` has something to do, Unix ms. */
  nextAt(): number {
    return this.isBusy ? Number.NEGATIVE_INFINITY : this.held.nextAt();
  }

  /** Writes what waits, and what is over by now. Returns whether anything was written. */
  turn(now: number): boolean {
    const before = this.#written;
    while (this.#done < this.#queue.length && this.#writer.hasRoom()) this.#write(this.#queue[this.#done++]);
    if (this.#done === this.#queue.length && this.isBusy) {
      this.#queue = [];
      this.#done = 0;
    }
    if (this.held.nextAt() <= now) {
      for (const sanction of this.held.over(now)) {
        this.changed({ ...sanction, until: 0 }, undefined);
        this.#onOver?.(sanction);
      }
    }
    return this.#written !== before;
  }

  /** Tells of a change, and answers `origin` by it. */
  changed(sanction: Sanction, origin: Origin | undefined): void {
    this.later(() => this.#writer.sanction(sanction, origin));
  }

  /** Tells a gateway of those that hold in a room, then runs `answer`, which writes one entry; at once where there are none. */
  tell(room: string, origin: Origin, now: number, answer?: () => void): void {
    if (!this.isBusy && !this.held.has(room)) {
      answer?.();
      return;
    }
    const asker = { ...origin };
    for (const sanction of this.held.of(room)) {
      if (sanction.until > now) this.later(() => this.#writer.sanctionTold(sanction, asker));
    }
    if (answer !== undefined) this.later(answer);
  }

  /** A gateway begins: it is to know those of the site before it lets anybody in. */
  tellSite(origin: Origin, now: number): void {
    this.tell(SITE, origin, now);
  }

  /** Whether another one may be imposed. */
  refusal(sanction: Sanction): "overloaded" | undefined {
    return this.#queue.length >= ROOM_LIMITS.sanctionsMax ? "overloaded" : this.held.refusal(sanction);
  }

  /** Writes one entry, now or when its turn has come. */
  later(write: () => void): void {
    if (!this.isBusy && this.#writer.hasRoom()) this.#write(write);
    else this.#queue.push(write);
  }

  #write(write: (() => void) | undefined): void {
    write?.();
    this.#written++;
  }
}
