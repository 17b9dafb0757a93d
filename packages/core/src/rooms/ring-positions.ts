/** Where a gateway stands in the broadcast ring, and up to where the log is on disk, as numbers that do not wrap. */
import type { GatewayContext } from "./gateway-context.ts";
import { ROOM_LIMITS } from "./limits.ts";

/** A call that waits for a ring position to be on disk. */
interface DiskWait {
  readonly position: number;
  readonly since: number;
  readonly run: () => void;
}

export class RingPositions {
  readonly #context: GatewayContext;
  /** What the consumer's position stands for, and the wrapping one it was taken from. */
  #position: number;
  #position32: number;
  #durable: number;
  /** In order of position. */
  readonly #waiting: DiskWait[] = [];

  constructor(context: GatewayContext) {
    this.#context = context;
    this.#position32 = context.broadcast.position;
    this.#position = this.#position32 >>> 0;
    this.#durable = this.absolute(context.durablePosition());
  }

  /** Everything before this position is on disk, as far as `advance` has looked. @hot */
  get durable(): number {
    return this.#durable;
  }

  /** Turns a wrapping ring position into one that only grows: never further than half the circle from the reader's. @hot */
  absolute(position32: number): number {
    const here = this.#context.broadcast.position;
    this.#position += (here - this.#position32) | 0;
    this.#position32 = here;
    return this.#position + ((position32 - here) | 0);
  }

  /** Whether the journal has written nothing since `advance`. */
  isLevel(): boolean {
    return this.absolute(this.#context.durablePosition()) === this.#durable;
  }

  /** Looks how far the journal is; returns whether further than before. `release` is for when that has been acted on. */
  advance(): boolean {
    const durable = this.absolute(this.#context.durablePosition());
    if (durable === this.#durable) return false;
    this.#durable = durable;
    return true;
  }

  /** Runs what has waited for the disk up to where it is now. */
  release(): void {
    while (this.#waiting[0] !== undefined && this.#waiting[0].position <= this.#durable) {
      this.#waiting.shift()?.run();
    }
  }

  /** Runs what has waited for too long: it does with what is on disk. */
  giveUp(now: number): void {
    while (this.#waiting[0] !== undefined && now - this.#waiting[0].since > ROOM_LIMITS.answerTimeoutMs) {
      this.#waiting.shift()?.run();
    }
  }

  /** Runs `run` once the position is on disk; at once where it is, or where the disk cannot be written at present. */
  whenDurable(position: number, run: () => void): void {
    if (position <= this.#durable || this.#context.isJournalFailing()) run();
    else this.#waiting.push({ position, since: this.#context.clock.monotonic(), run });
  }
}
