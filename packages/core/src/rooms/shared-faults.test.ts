/** What a shared log may do to a room of it: answers that are lost, messages that overtake each other, epochs that end. */
import { describe, expect, test } from "bun:test";
import { encodeDanmaku } from "@danmakud/wire";
import { BroadcastConsumer, BroadcastProducer, createBroadcastRing } from "../memory/index.ts";
import type { OnShared, SharedBatch, SharedLog, SharedMessage } from "../ports/index.ts";
import { BroadcastWriter } from "./broadcast-writer.ts";
import { BroadcastKind } from "./envelope-descriptor.ts";
import { ScheduleAnswers } from "./schedule-answers.ts";
import { SharedAppends } from "./shared-appends.ts";
import { SHARED_LIMITS } from "./shared-limits.ts";
import { SharedRoom } from "./shared-room.ts";
import { SharedStream } from "./shared-stream.ts";

const COUNTERS = { add: () => {}, set: () => {} };
const UNUSED = () => {
  throw new Error("not asked in these tests");
};

function record(content: string): Int32Array {
  const bytes = new Uint8Array(256);
  const end = encodeDanmaku(bytes, 0, { uid: "u", content, mode: 0, color: 0, size: 25, class: 0 });
  return new Int32Array(bytes.buffer, 0, end >> 2);
}

/** One room of a node, before a log of which every answer is the test's to give. */
class Node {
  now = 1000;
  wakes = 0;
  readonly room = new SharedRoom(1, "r", 0);
  readonly sent: { readonly batch: SharedBatch; readonly onDone: OnShared<never> }[] = [];
  readonly reads: OnShared<never>[] = [];
  readonly appends: SharedAppends;
  readonly stream: SharedStream;
  readonly #producer: BroadcastProducer;
  readonly #consumer: BroadcastConsumer;

  constructor() {
    const ring = createBroadcastRing(1 << 20, 1);
    this.#producer = new BroadcastProducer(ring);
    this.#consumer = new BroadcastConsumer(ring, 0);
    this.#consumer.attachAtHead();
    const writer = new BroadcastWriter(this.#producer);
    const log = {
      append: (_room: string, batch: SharedBatch, onDone: OnShared<never>) => {
        this.sent.push({ batch: { ...batch, bytes: batch.bytes.slice() }, onDone });
      },
      announce: (_room: string, onDone: OnShared<undefined>) => onDone(undefined),
      read: (_room: string, _after: number, _through: number, _max: number, onDone: OnShared<never>) =>
        this.reads.push(onDone),
      ring: () => {},
      schedule: UNUSED,
      look: UNUSED,
    } as unknown as SharedLog;
    const later = (write: () => void) => write();
    const answers = new ScheduleAnswers({ writer, counters: COUNTERS, later });
    const shared = { log, writer, counters: COUNTERS, answers, later, onFailure: () => {} };
    const clock = { now: () => this.now, monotonic: () => this.now };
    const wake = () => void this.wakes++;
    this.stream = new SharedStream({ ...shared, clock, wake, onMoved: (room) => writer.closed(room.number) });
    this.appends = new SharedAppends({
      ...shared,
      clock,
      wake,
      stream: this.stream,
      onScheduled: UNUSED,
      onSettings: UNUSED,
      onHeard: () => {},
      onAlarm: UNUSED,
    });
  }

  open(epoch: string, head: number): void {
    this.room.state = "open";
    this.room.begin(epoch, head);
    this.room.ringEpoch = epoch;
    this.room.ringHead = head;
    this.stream.opened(this.room);
  }

  publish(ticket: number): void {
    const words = record(`m${ticket}`);
    this.room.filling(this.now)?.add(words, 0, words.byteLength, 0, 0, ticket, "", true);
    this.appends.added(this.room, words.byteLength);
    this.appends.send();
  }

  /** The log's answer to the oldest batch that was sent. */
  answer(result: object | Error): void {
    const ok = { status: "ok", ts: 5, outcomes: "", repeats: [], unread: 0, isReplicated: true };
    this.sent.shift()?.onDone((result instanceof Error ? result : { ...ok, ...result }) as never);
  }

  message(epoch: string, offset: number): void {
    const bytes = new Uint8Array(record(`o${offset}`).slice().buffer);
    const placed = { epoch, base: offset - 1, first: offset, ts: 5, outcomes: "" };
    this.stream.message(this.room, { room: "r", count: 1, bytes, ...placed } satisfies SharedMessage);
  }

  /** What was written into the ring since the last call: kind and, of answers, the ticket. */
  told(): string[] {
    this.stream.turn();
    this.#producer.commit();
    const told: string[] = [];
    while (this.#consumer.next()) {
      const { words, index } = this.#consumer;
      const kind = (words[index >> 2] as number) & 0xff;
      const name = Object.entries(BroadcastKind).find(([, value]) => value === kind)?.[0];
      const ticket = words[(index >> 2) + 1] as number;
      told.push(ticket === 0 ? `${name}` : `${name} ${ticket}`);
    }
    this.#consumer.release();
    return told;
  }
}

describe("a room of a shared log", () => {
  test("sends a batch again as it was, whatever was published since", () => {
    const node = new Node();
    node.open("e", 0);
    node.publish(1);
    const [first] = node.sent;
    node.answer(new Error("the answer was lost"));
    node.publish(2);
    node.now += SHARED_LIMITS.retryMsMax;
    node.appends.send();
    expect(node.sent.map(({ batch }) => [batch.number, batch.count])).toEqual([[1, 1]]);
    expect(node.sent[0]?.batch.bytes).toEqual(first?.batch.bytes as Uint8Array);
    node.answer({ epoch: "e", base: 0, first: 1, taken: 1 });
    node.appends.send();
    expect(node.sent.map(({ batch }) => [batch.number, batch.count])).toEqual([[2, 1]]);
    node.answer({ epoch: "e", base: 1, first: 2, taken: 1 });
    expect(node.told()).toEqual(["record 1", "record 2"]);
  });

  test("takes up what came while it was being opened", () => {
    const node = new Node();
    node.message("e", 7);
    node.message("e", 9);
    node.message("other", 3);
    node.open("e", 6);
    expect(node.told()).toEqual(["record"]);
    expect(node.room.head).toBe(7);
    node.now += SHARED_LIMITS.holeWaitMs;
    node.told();
    expect(node.reads).toHaveLength(1);
  });

  test("has a hole written as soon as it was read", () => {
    const node = new Node();
    node.open("e", 0);
    node.message("e", 2);
    node.now += SHARED_LIMITS.holeWaitMs;
    expect(node.told()).toEqual([]);
    const before = node.wakes;
    node.reads[0]?.({ bytes: new Uint8Array(0), count: 0 } as never);
    expect(node.wakes).toBeGreaterThan(before);
    expect(node.told()).toEqual(["closed", "record"]);
  });

  test("answers what waited for others when its epoch ended, and shows nobody a hole", () => {
    const node = new Node();
    node.open("e", 0);
    node.publish(1);
    node.answer({ epoch: "e", base: 4, first: 5, taken: 1 });
    expect(node.told()).toEqual([]);
    node.stream.moveTo(node.room, "f", 9);
    expect(node.told()).toEqual(["repeat 1", "closed"]);
    node.message("f", 10);
    expect(node.told()).toEqual(["record"]);
  });
});
