import { danmakuUid, recordStride } from "@danmakud/wire";
import type { Placement, SharedBatch, SharedSchedule } from "../ports/index.ts";
import type { Origin } from "./broadcast-writer.ts";
import type { RoomSettings, SettingsPatch } from "./settings.ts";
import { SHARED_LIMITS } from "./shared-limits.ts";
import { copyWords } from "./words.ts";

const BYTES_START = 512;

export interface SettingsChange {
  readonly origin: Origin;
  readonly patch: SettingsPatch;
  /** What it leads to, when it is sent. */
  wanted?: RoomSettings;
}

/** One scheduled danmaku that is to be taken back. */
export interface Cancellation {
  readonly origin: Origin;
  readonly scheduled: number;
}

/** What the records of a batch are: to be published, or to wait for their time. */
export type BatchKind = "publish" | "schedule";

/** Publishes of one room on their way to a shared log: the records back to back, and who waits for each. */
export class PendingBatch {
  readonly kind: BatchKind;
  /** Number of the batch among those of its node; 0 until it is sent. */
  number = 0;
  count = 0;
  length = 0;
  /** When the first publish came, monotonic ms. */
  readonly since: number;
  /** A change of settings stands alone. */
  settings: SettingsChange | undefined;
  /** So does this. */
  cancel: Cancellation | undefined;
  readonly #gateways: number[] = [];
  readonly #incarnations: number[] = [];
  readonly #tickets: number[] = [];
  /** Of those that wait for their time. */
  readonly #deliverAt: number[] = [];
  #identities: string[] | undefined;
  /** Whether slow mode binds the first sender; and where that is not so of all, each. */
  #isFirstBound = false;
  #isBound: boolean[] | undefined;
  #words = new Int32Array(BYTES_START / 4);

  constructor(since: number, kind: BatchKind = "publish") {
    this.since = since;
    this.kind = kind;
  }

  /** Whether it takes no further record. */
  get isFull(): boolean {
    return (
      this.settings !== undefined ||
      this.cancel !== undefined ||
      this.count >= SHARED_LIMITS.batchRecordsMax ||
      this.length >= SHARED_LIMITS.batchBytesMax
    );
  }

  /** How many wait for an answer, each with its `origin`. */
  get askers(): number {
    return this.settings === undefined && this.cancel === undefined ? this.count : 1;
  }

  get bytes(): Uint8Array {
    return new Uint8Array(this.#words.buffer, 0, this.length);
  }

  /** Takes a record of `stride` bytes at word `at`. `isBound`: slow mode binds its sender. @hot bench/redis.ts */
  add(
    words: Int32Array,
    at: number,
    stride: number,
    gateway: number,
    incarnation: number,
    ticket: number,
    identity: string,
    isBound: boolean,
  ): void {
    if (this.length + stride > this.#words.byteLength) this.#grow(this.length + stride);
    copyWords(words, at, this.#words, this.length >> 2, stride >> 2);
    this.length += stride;
    if (identity !== "" || this.#identities !== undefined) this.#identify(identity);
    if (this.count === 0) this.#isFirstBound = isBound;
    else if (isBound !== this.#isFirstBound || this.#isBound !== undefined) this.#bind(isBound);
    this.count++;
    this.#gateways.push(gateway);
    this.#incarnations.push(incarnation);
    this.#tickets.push(ticket);
  }

  /** The record that was added last is due then, Unix ms. */
  waitsUntil(deliverAt: number): void {
    this.#deliverAt.push(deliverAt);
  }

  /** Adds a record of another batch, with who waits for it. */
  addFrom(batch: PendingBatch, index: number): void {
    const { bytes } = batch;
    let at = 0;
    for (let i = 0; i < index; i++) at += recordStride(bytes, at);
    const stride = recordStride(bytes, at);
    const { gateway, incarnation, ticket } = batch.origin(index);
    const identity = batch.#identities?.[index] ?? "";
    const isBound = batch.#isBound?.[index] ?? batch.#isFirstBound;
    this.add(batch.#words, at >> 2, stride, gateway, incarnation, ticket, identity, isBound);
  }

  origin(index: number): Origin {
    const alone = this.settings ?? this.cancel;
    if (alone !== undefined) return alone.origin;
    return {
      gateway: this.#gateways[index] as number,
      incarnation: this.#incarnations[index] as number,
      ticket: this.#tickets[index] as number,
    };
  }

  /** As the log takes it, for a room of this epoch and head. */
  toSend(epoch: string, head: number, settings: SharedBatch["settings"]): SharedBatch {
    const { number, bytes, count } = this;
    return {
      number,
      epoch,
      head,
      bytes,
      count,
      identities: this.#identities ?? [],
      isBound: this.#isBound ?? this.#isFirstBound,
      ...(settings === undefined ? undefined : { settings }),
    };
  }

  /** What is to wait, or to wait no longer, as the log takes it. */
  toSchedule(): SharedSchedule {
    const { number, bytes, count, cancel } = this;
    return {
      number,
      bytes,
      count,
      deliverAt: this.#deliverAt,
      identities: this.#identities ?? [],
      ...(cancel === undefined ? undefined : { cancel: cancel.scheduled }),
    };
  }

  #identify(identity: string): void {
    this.#identities ??= new Array<string>(this.count).fill("");
    this.#identities.push(identity);
  }

  #bind(isBound: boolean): void {
    this.#isBound ??= new Array<boolean>(this.count).fill(this.#isFirstBound);
    this.#isBound.push(isBound);
  }

  #grow(needed: number): void {
    const words = new Int32Array(2 ** Math.ceil(Math.log2(needed)) / 4);
    words.set(this.#words.subarray(0, this.length >> 2));
    this.#words = words;
  }
}

/** A batch of nothing: has the log say what the room is, and begin it or a new epoch where that is due. */
export const CLAIM: SharedBatch = Object.freeze({
  number: 0,
  epoch: "",
  head: 0,
  bytes: new Uint8Array(0),
  count: 0,
  identities: [],
  isBound: false,
});

/** Who publishes and under which key. */
export function identityOf(bytes: Uint8Array, record: number, key: string): string {
  return `${danmakuUid(bytes, record)}\n${key}`;
}

/** Records on their way from the log to the ring. Where the ring is full it goes on later at the same place. */
export interface Arrival extends Placement {
  readonly bytes: Uint8Array;
  readonly count: number;
  /** The publishers, where it is this node's own. */
  readonly batch: PendingBatch | undefined;
  readonly repeats: readonly { readonly offset: number; readonly ts: number }[];
  /** No records: the room goes on in `epoch` after `base`. */
  readonly isMove: boolean;
  /** The records have their offsets already. */
  readonly isComplete: boolean;
  /** Publishers learn an offset only where enough replicas have it. */
  readonly isReplicated: boolean;
  /** Of records that waited for their time: their numbers by place, or (complete ones) by offset. */
  readonly scheduled?: readonly number[] | ReadonlyMap<number, number> | undefined;
  /** Where it goes on: record, byte, those taken and repeated before. */
  index: number;
  at: number;
  taken: number;
  repeated: number;
}

/** Whether a record of this outcome is in the log: see `Placement`. */
export function isTaken(outcome: string | undefined): boolean {
  return outcome === "t" || outcome === "s";
}

/** Offsets taken by an arrival. */
export function takenOf({ outcomes, count }: { readonly outcomes: string; readonly count: number }): number {
  if (outcomes === "") return count;
  let taken = 0;
  for (let i = 0; i < outcomes.length; i++) if (isTaken(outcomes[i])) taken++;
  return taken;
}

/** Steps over the current record of an arrival. */
export function step(arrival: Arrival): void {
  arrival.at += recordStride(arrival.bytes, arrival.at);
  arrival.index++;
}
