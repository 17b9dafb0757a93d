/**
 * Publishes of one gateway that wait for their answer. Their places are given in the order in which they go into the
 * ingress ring; answers come in any order (rooms whose log is shared answer each for itself), and become durable in the
 * order in which they came. A place is free again when all before it are.
 */
import { DanmakuError, ERROR_CODES, type ErrorCode } from "@danmakud/wire";
import { RETRY_AFTER_MS, ROOM_LIMITS } from "./limits.ts";
import type { RoomSettings } from "./settings.ts";
import type { WatchedRoom } from "./watched-room.ts";

/** Takes the answer to a publish: an offset and its ts, or an error code. */
export interface Publisher {
  published(token: number, id: number, offset: number, ts: number): void;
  /** `retryAfterMs`: when to try again, 0 = not said. */
  refused(token: number, id: number, code: ErrorCode, message: string, retryAfterMs: number): void;
  /** Takes, before `published`, the settings that a change has led to. For those that ask for one. */
  configured?(settings: RoomSettings): void;
  /** Takes, in place of `published`, the number under which a danmaku waits for its time. For those that schedule. */
  scheduled?(token: number, id: number, number: number, deliverAt: number): void;
  /** Told before that, as soon as it waits: who wants the ack of the delivery notes what it will be told by. */
  waits?(token: number, id: number, asked: number): void;
}

/** What is kept open for an answer that is still to come. */
type AwaitingRoom = Pick<WatchedRoom, "inFlight" | "usedAt">;

const MASK = ROOM_LIMITS.pendingPublishesMax - 1;
const NO_CODE = 255;
/** In place of an error: the danmaku waits for its time; its number and time stand for offset and ts. */
const SCHEDULED = 254;

export class PendingPublishes {
  readonly #publishers: (Publisher | undefined)[] = [];
  readonly #rooms: (AwaitingRoom | undefined)[] = [];
  #tokens = new Float64Array(CAPACITY_START);
  #ids = new Float64Array(CAPACITY_START);
  #offsets = new Float64Array(CAPACITY_START);
  #ts = new Float64Array(CAPACITY_START);
  #positions = new Float64Array(CAPACITY_START);
  #askedAt = new Float64Array(CAPACITY_START);
  #codes = new Uint8Array(CAPACITY_START);
  /** Numbers of those that have their answer and wait for the disk, in a ring of the same size as the others. */
  #answers = new Float64Array(CAPACITY_START);
  #oldestAnswer = 0;
  #newestAnswer = 0;
  #oldest = 0;
  #newest = 0;
  /** Up to here publishers were told that the answer is unknown. */
  #givenUp = 0;

  get size(): number {
    return this.#newest - this.#oldest;
  }

  get isFull(): boolean {
    return this.size > MASK;
  }

  /** Ticket of the next publish, for the envelope. */
  get ticket(): number {
    return this.#newest | 0;
  }

  /** Notes a publish that was put into the ring. `token` and `id` come back with the answer. */
  add(publisher: Publisher, token: number, id: number, room: AwaitingRoom, now: number): void {
    if (this.size === this.#ids.length) this.#grow();
    const at = this.#newest++ & (this.#ids.length - 1);
    this.#publishers[at] = publisher;
    this.#rooms[at] = room;
    this.#tokens[at] = token;
    this.#ids[at] = id;
    this.#askedAt[at] = now;
    this.#codes[at] = NO_CODE;
    this.#positions[at] = NO_POSITION;
    room.inFlight++;
  }

  /**
   * The answer to a publish. `position` is that of the answer in the ring, which only grows. Returns who waits for it to
   * be durable.
   */
  sequenced(ticket: number, offset: number, ts: number, position: number): Publisher | undefined {
    const at = this.#answered(ticket, position);
    this.#offsets[at] = offset;
    this.#ts[at] = ts;
    return this.#publishers[at];
  }

  /** The sequencer's answer to one that is to be delivered later, of which this node will know by `asked`. */
  scheduled(ticket: number, number: number, deliverAt: number, position: number, asked: number): void {
    const at = this.#answered(ticket, position);
    this.#offsets[at] = number;
    this.#ts[at] = deliverAt;
    this.#codes[at] = SCHEDULED;
    this.#publishers[at]?.waits?.(this.#tokens[at] as number, this.#ids[at] as number, asked);
  }

  /** The sequencer's refusal; `retryAfterMs` 0 = not said. */
  rejected(ticket: number, code: number, position: number, retryAfterMs = 0): void {
    const at = this.#answered(ticket, position);
    this.#codes[at] = code;
    this.#ts[at] = retryAfterMs;
  }

  /** Everything up to the ring position is on disk: tells the publishers. */
  durable(position: number, now: number): void {
    while (this.#oldestAnswer < this.#newestAnswer) {
      const number = this.#answers[this.#oldestAnswer & (this.#ids.length - 1)] as number;
      const at = number & (this.#ids.length - 1);
      if ((this.#positions[at] as number) > position) break;
      this.#oldestAnswer++;
      this.#settle(at, number < this.#givenUp, now);
    }
    while (this.#oldest < this.#newest && this.#rooms[this.#oldest & (this.#ids.length - 1)] === undefined) {
      this.#oldest++;
    }
  }

  /** Tells those who have waited since before `askedBefore` that the answer is unknown. */
  giveUp(askedBefore: number): void {
    if (this.#givenUp < this.#oldest) this.#givenUp = this.#oldest;
    for (; this.#givenUp < this.#newest; this.#givenUp++) {
      const at = this.#givenUp & (this.#ids.length - 1);
      if ((this.#askedAt[at] as number) >= askedBefore) return;
      this.#publishers[at]?.refused(
        this.#tokens[at] as number,
        this.#ids[at] as number,
        "unavailable",
        UNKNOWN,
        0,
      );
    }
  }

  #answered(ticket: number, position: number): number {
    const number = this.#oldest + ((ticket - this.#oldest) | 0);
    const at = number & (this.#ids.length - 1);
    if (number < this.#oldest || number >= this.#newest || this.#positions[at] !== NO_POSITION) {
      throw new Error(`answer to publish ${ticket}, which waits for none`);
    }
    this.#answers[this.#newestAnswer++ & (this.#ids.length - 1)] = number;
    this.#positions[at] = position;
    return at;
  }

  #settle(at: number, givenUp: boolean, now: number): void {
    const room = this.#rooms[at];
    if (room !== undefined) {
      room.inFlight--;
      room.usedAt = now;
    }
    const publisher = this.#publishers[at];
    this.#rooms[at] = undefined;
    this.#publishers[at] = undefined;
    if (publisher === undefined || givenUp) return;
    const token = this.#tokens[at] as number;
    const id = this.#ids[at] as number;
    const code = this.#codes[at] as number;
    const offset = this.#offsets[at] as number;
    const ts = this.#ts[at] as number;
    if (code === NO_CODE) publisher.published(token, id, offset, ts);
    else if (code === SCHEDULED) publisher.scheduled?.(token, id, offset, ts);
    else
      publisher.refused(
        token,
        id,
        ERROR_CODES[code] ?? "unavailable",
        REASONS[ERROR_CODES[code] ?? "unavailable"] ?? "the room could not take it; try again",
        ts,
      );
  }

  #grow(): void {
    const before = this.#ids.length;
    const after = before * 2;
    const publishers: (Publisher | undefined)[] = new Array(after).fill(undefined);
    const rooms: (AwaitingRoom | undefined)[] = new Array(after).fill(undefined);
    const columns = [this.#tokens, this.#ids, this.#offsets, this.#ts, this.#positions, this.#askedAt];
    const larger = columns.map(() => new Float64Array(after));
    const codes = new Uint8Array(after);
    for (let i = this.#oldest; i < this.#newest; i++) {
      const from = i & (before - 1);
      const to = i & (after - 1);
      publishers[to] = this.#publishers[from];
      rooms[to] = this.#rooms[from];
      for (let c = 0; c < columns.length; c++) {
        (larger[c] as Float64Array)[to] = (columns[c] as Float64Array)[from] as number;
      }
      codes[to] = this.#codes[from] as number;
    }
    for (let i = 0; i < after; i++) {
      this.#publishers[i] = publishers[i];
      this.#rooms[i] = rooms[i];
    }
    [this.#tokens, this.#ids, this.#offsets, this.#ts, this.#positions, this.#askedAt] = larger as Columns;
    this.#codes = codes;
    const answers = new Float64Array(after);
    for (let i = this.#oldestAnswer; i < this.#newestAnswer; i++) {
      answers[i & (after - 1)] = this.#answers[i & (before - 1)] as number;
    }
    this.#answers = answers;
  }
}

type Column = Float64Array<ArrayBuffer>;
type Columns = [Column, Column, Column, Column, Column, Column];
const CAPACITY_START = 1024;
/** Without an answer yet. */
const NO_POSITION = -1;
/** A refusal as those who asked are told of it. */
export function refusalOf(code: ErrorCode, message: string, retryAfterMs: number): DanmakuError {
  if (code === "not_found") return new DanmakuError(code, message);
  return new DanmakuError(code, message, { retryAfterMs: retryAfterMs || RETRY_AFTER_MS.refused });
}

const REASONS: Readonly<Partial<Record<ErrorCode, string>>> = {
  rate_limited: "the room is in slow mode",
  not_found: "nothing is scheduled under this number any more",
};
const UNKNOWN = "no answer in time; whether it was kept is unknown: try again with the same key";
