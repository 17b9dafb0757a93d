import { expect } from "bun:test";
import { type DanmakuRecord, decodeRecord, ERROR_CODES, encodeDanmaku, patchLogRecord } from "@danmakud/wire";
import { BroadcastConsumer, BroadcastProducer, createBroadcastRing } from "../memory/index.ts";
import type {
  OnShared,
  SharedAppendResult,
  SharedLog,
  SharedMessage,
  SharedStretch,
} from "../ports/index.ts";
import { readRepeat, readScheduled } from "./broadcast-entry.ts";
import { BroadcastWriter } from "./broadcast-writer.ts";
import { BroadcastKind, ENVELOPE_BYTES, ERROR_CODE, ERROR_RETRY } from "./envelope-descriptor.ts";
import { ScheduleAnswers } from "./schedule-answers.ts";
import { PendingBatch } from "./shared-batch.ts";
import { SharedRoom } from "./shared-room.ts";
import { SharedStream } from "./shared-stream.ts";

export const TS = 1_700_000_000_000;

/** A stream between a ring and a log that answers when the test has it answer. */
export class Bench {
  now = 0;
  readonly reads: { after: number; through: number; onDone: OnShared<SharedStretch> }[] = [];
  readonly claims: { epoch: string; head: number; onDone: OnShared<SharedAppendResult> }[] = [];
  readonly failures: string[] = [];
  readonly counted: number[] = [];
  readonly room = new SharedRoom(7, "r", 0);
  readonly stream: SharedStream;
  readonly consumer: BroadcastConsumer;
  readonly #producer: BroadcastProducer;
  readonly writer: BroadcastWriter;
  readonly #deferred: (() => void)[] = [];

  constructor(ringBytes = 1 << 20) {
    const ring = createBroadcastRing(ringBytes, 1);
    this.consumer = new BroadcastConsumer(ring, 0);
    this.consumer.attachAtHead();
    this.#producer = new BroadcastProducer(ring);
    this.writer = new BroadcastWriter(this.#producer);
    const counters = {
      add: (metric: number, count: number) => {
        this.counted[metric] = (this.counted[metric] ?? 0) + count;
      },
      set: () => {},
    };
    const { room, writer } = this;
    const log: Pick<SharedLog, "read" | "append"> = {
      append: (_room, { epoch, head, count }, onDone) => {
        expect(count).toBe(0);
        this.claims.push({ epoch, head, onDone });
      },
      read: (_room, after, through, _most, onDone) => void this.reads.push({ after, through, onDone }),
    };
    this.stream = new SharedStream({
      log: log as SharedLog,
      writer,
      clock: { now: () => TS + this.now, monotonic: () => this.now },
      counters,
      answers: new ScheduleAnswers({ writer, counters, later: (write) => void this.#deferred.push(write) }),
      onMoved: () => {
        writer.closed(room.number);
        room.number++;
      },
      onFailure: (cause) => this.failures.push(cause.message),
      wake: () => {},
    });
    room.state = "open";
    room.begin("e1", 0);
    room.ringEpoch = "e1";
  }

  /** What comes out of the ring after a turn: a text for each entry. */
  turn(afterMs = 0): string[] {
    this.now += afterMs;
    this.stream.turn();
    for (const write of this.#deferred.splice(0)) write();
    this.#producer.commit();
    const told: string[] = [];
    while (this.consumer.next()) told.push(this.#tell());
    this.consumer.release();
    return told;
  }

  message(first: number, contents: readonly string[], more: Partial<SharedMessage> = {}): void {
    const { bytes, count } = records(contents);
    const base = first - 1;
    this.stream.message(this.room, {
      room: "r",
      epoch: "e1",
      base,
      first,
      ts: TS,
      outcomes: "",
      count,
      bytes,
      ...more,
    });
  }

  /** The answer to a batch of this node, whose publishers have the tickets 100, 101, … */
  own(first: number, contents: readonly string[], more: Partial<SharedAppendResult> = {}): void {
    const { bytes } = records(contents);
    const words = new Int32Array(bytes.buffer, 0, bytes.length >> 2);
    const batch = new PendingBatch(0);
    let at = 0;
    for (const [index] of contents.entries()) {
      const stride = (((words[at >> 2] as number) & 0xffff) + 3) & ~3;
      batch.add(words, at >> 2, stride, 1, 0, 100 + index, "", true);
      at += stride;
    }
    this.stream.own(this.room, batch, {
      ...{ status: "ok", epoch: "e1", base: first - 1, first, ts: TS, outcomes: "", taken: contents.length },
      ...{ repeats: [], unread: 0, isReplicated: true },
      ...more,
    } as SharedAppendResult);
  }

  /** The log's answer to the question whether it has all that was given. */
  claimed(epoch: string, head: number): void {
    const placed = { epoch, base: head, first: head + 1, ts: TS, outcomes: "" };
    const rest = { status: "ok", taken: 0, repeats: [], unread: 0, isReplicated: true } as const;
    this.claims.shift()?.onDone({ ...rest, ...placed });
  }

  #tell(): string {
    const { words, index } = this.consumer;
    const word = index >> 2;
    const kind = (words[word] as number) & 0xff;
    const ticket = words[word + 1] as number;
    const number = words[word + 2] as number;
    switch (kind) {
      case BroadcastKind.record: {
        const { offset, content } = decodeRecord(
          this.consumer.bytes.slice(index + ENVELOPE_BYTES),
          0,
        ) as DanmakuRecord;
        return `${number}: ${offset} ${content}${ticket === 0 ? "" : ` to ${ticket}`}`;
      }
      case BroadcastKind.repeat:
        return `repeat ${readRepeat(this.consumer).offset} to ${ticket}`;
      case BroadcastKind.delivered:
        return `delivered ${readRepeat(this.consumer).offset} to ${ticket}`;
      case BroadcastKind.scheduled: {
        const { number: scheduled, asked } = readScheduled(this.consumer);
        return `waits ${scheduled} to ${ticket}, asked ${asked}`;
      }
      case BroadcastKind.reject:
        return `${ERROR_CODES[words[word + ERROR_CODE] as number]} ${words[word + ERROR_RETRY]} to ${ticket}`;
      case BroadcastKind.closed:
        return `closed ${number}`;
      default:
        return `kind ${kind}`;
    }
  }
}

export function records(
  contents: readonly string[],
  offsets: readonly number[] = [],
): { bytes: Uint8Array; count: number } {
  const bytes = new Uint8Array(contents.length * 256);
  let end = 0;
  for (const [index, content] of contents.entries()) {
    const at = end;
    end = encodeDanmaku(bytes, at, { uid: "u", content, mode: 0, color: 0, size: 25, class: 0 });
    const offset = offsets[index];
    if (offset !== undefined) patchLogRecord(bytes, at, offset, TS);
  }
  return { bytes: bytes.slice(0, end), count: contents.length };
}
