import { describe, expect, test } from "bun:test";
import { BroadcastConsumer, BroadcastProducer, createBroadcastRing } from "../memory/index.ts";
import { type OnShared, type Sanction, type SharedSanctions, SITE, UNTIL_LIFTED } from "../ports/index.ts";
import { BroadcastWriter } from "./broadcast-writer.ts";
import { BroadcastKind } from "./envelope-descriptor.ts";
import { readSanction } from "./sanction-entry.ts";
import { SharedSanctionRooms } from "./shared-sanctions.ts";

const ORIGIN = { gateway: 0, incarnation: 0, ticket: 7 };

function one(uid: string, until = UNTIL_LIFTED, room = "r"): Sanction {
  return { kind: "ban", room, uid, until, since: 1, by: "m" };
}

/** A node before a log of which every answer is the test's to give. */
class Node {
  now = 1_000_000;
  readonly asked: string[] = [];
  readonly failures: string[] = [];
  readonly open = new Set(["r"]);
  readonly rooms: SharedSanctionRooms;
  readonly #answers: ((result: unknown) => void)[] = [];
  readonly #producer: BroadcastProducer;
  readonly #consumer: BroadcastConsumer;

  constructor() {
    const ring = createBroadcastRing(1 << 20, 1);
    this.#producer = new BroadcastProducer(ring);
    this.#consumer = new BroadcastConsumer(ring, 0);
    this.#consumer.attachAtHead();
    const ask = <Result>(what: string, onDone: OnShared<Result>) => {
      this.asked.push(what);
      this.#answers.push(onDone as (result: unknown) => void);
    };
    this.rooms = new SharedSanctionRooms({
      log: {
        impose: (sanction, onDone) => ask(`impose ${sanction.uid}`, onDone),
        all: (room, onDone) => ask(`all ${room}`, onDone),
        revision: (room, onDone) => ask(`revision ${room}`, onDone),
        sweep: (room, _now, onDone) => ask(`sweep ${room}`, onDone),
      },
      writer: new BroadcastWriter(this.#producer),
      clock: { now: () => this.now, monotonic: () => this.now },
      isOpen: (room) => this.open.has(room),
      onHeard: () => {},
      onFailure: (cause) => this.failures.push(cause.message),
      wake: () => {},
    });
  }

  /** Answers the oldest question. */
  answer(result: unknown): void {
    this.asked.shift();
    this.#answers.shift()?.(result);
  }

  /** Has the oldest question wait for its answer. */
  hold(): (result: unknown) => void {
    this.asked.shift();
    return this.#answers.shift() ?? (() => {});
  }

  answerAll(revision: string, ...sanctions: Sanction[]): void {
    this.answer({ revision, sanctions } satisfies SharedSanctions);
  }

  /** What was written into the ring since the last call. */
  told(): string[] {
    this.rooms.desk.turn(this.now);
    this.#producer.commit();
    const told: string[] = [];
    while (this.#consumer.next()) {
      const { words, index } = this.#consumer;
      const kind = (words[index >> 2] as number) & 0xff;
      if (kind === BroadcastKind.reject) told.push("reject");
      else {
        const { uid, until } = readSanction(this.#consumer, index);
        told.push(
          `${kind === BroadcastKind.sanctionTold ? "told " : ""}${uid} ${until === 0 ? "lifted" : "holds"}`,
        );
      }
    }
    this.#consumer.release();
    return told;
  }
}

function opened(revision: string, ...sanctions: Sanction[]): Node {
  const node = new Node();
  node.rooms.opening("r", (failure) => expect(failure).toBeUndefined());
  node.answerAll(revision, ...sanctions);
  return node;
}

describe("the mutes and bans of a shared log", () => {
  test("of the site are read before anything else", () => {
    const node = new Node();
    expect(node.rooms.isReady).toBe(false);
    node.rooms.tick();
    node.answer(new Error("away"));
    expect(node.failures).toEqual(["away"]);
    node.rooms.tick();
    expect(node.asked).toEqual([]);
    node.now += 1000;
    node.rooms.tick();
    node.answer("v1");
    expect(node.rooms.isReady).toBe(false);
    node.answerAll("v1", one("u", UNTIL_LIFTED, SITE));
    expect(node.rooms.isReady).toBe(true);
    expect(node.told()).toEqual(["u holds"]);
    node.rooms.desk.tellSite(ORIGIN, node.now);
    expect(node.told()).toEqual(["told u holds"]);
  });

  test("of a room are told before its answer; what is over is not", () => {
    const node = opened("v1", one("a"), one("b", 5), one("c", 2_000_000));
    const order: string[] = [];
    node.rooms.desk.tell("r", ORIGIN, node.now, () => order.push(...node.told()));
    expect(order).toEqual(["told a holds", "told c holds"]);
    node.rooms.looked("r", "v1");
    expect(node.asked).toEqual([]);
  });

  test("that another node changed are told by what differs", () => {
    const node = opened("v1", one("same"), one("lifted"), one("longer", 2_000_000));
    node.rooms.looked("r", "v2");
    node.rooms.looked("r", "v2");
    expect(node.asked).toEqual(["all r"]);
    node.answerAll("v2", one("same"), one("longer", 3_000_000), one("new"));
    expect(node.told().sort()).toEqual(["lifted lifted", "longer holds", "new holds"]);
    // The log has lost them all.
    node.rooms.looked("r", "");
    node.answerAll("");
    expect(node.told().sort()).toEqual(["longer lifted", "new lifted", "same lifted"]);
  });

  test("that change while they are read are read again, once", () => {
    const node = opened("v1");
    node.rooms.looked("r", "v2");
    node.rooms.looked("r", "v3");
    node.answerAll("v2", one("first"));
    expect(node.asked).toEqual(["all r"]);
    node.answerAll("v3", one("first"), one("second"));
    expect(node.told()).toEqual(["first holds", "second holds"]);
    node.rooms.looked("r", "v3");
    expect(node.asked).toEqual([]);
    // What was seen before is not read again where the answer was newer already.
    node.rooms.looked("r", "v4");
    node.rooms.looked("r", "v5");
    node.answerAll("v5");
    expect(node.asked).toEqual([]);
  });

  test("imposed here answer who asked, and hide nothing that came between", () => {
    const node = opened("v1");
    node.rooms.impose(one("mine"), ORIGIN);
    expect(node.told()).toEqual([]);
    node.answer("ok");
    expect(node.told()).toEqual(["mine holds"]);
    node.rooms.looked("r", "v3");
    node.answerAll("v3", one("mine"), one("theirs"));
    expect(node.told()).toEqual(["theirs holds"]);
    for (const result of ["full", new Error("away")]) {
      node.rooms.impose(one("more"), ORIGIN);
      node.answer(result);
      expect(node.told()).toEqual(["reject"]);
    }
    expect(node.rooms.desk.held.size).toBe(2);
  });

  test("imposed here give way to what was read while replicas were waited for", () => {
    const node = opened("v1");
    node.rooms.impose(one("mine"), ORIGIN);
    const written = node.hold();
    // Another node has lifted it since.
    node.rooms.looked("r", "v3");
    node.answerAll("v3");
    written("ok");
    expect(node.asked).toEqual(["all r"]);
    node.answerAll("v3");
    expect(node.told()).toEqual(["mine holds", "mine lifted"]);
    expect(node.rooms.desk.held.size).toBe(0);
  });

  test("of rooms that are not open here are not kept", () => {
    const node = opened("v1", one("a"));
    node.rooms.impose(one("b", UNTIL_LIFTED, "elsewhere"), ORIGIN);
    node.answer("ok");
    expect(node.told()).toEqual(["b holds"]);
    expect(node.rooms.desk.held.size).toBe(1);
    node.open.delete("r");
    node.rooms.forget("r");
    expect(node.rooms.desk.held.size).toBe(0);
    node.rooms.opening("r", () => {});
    node.answerAll("v1", one("a"));
    expect(node.rooms.desk.held.size).toBe(0);
  });

  test("that are over are told at once and taken out of the log", () => {
    const node = opened("v1", one("a", 1_000_500), one("b"));
    node.now = 1_000_499;
    expect(node.told()).toEqual([]);
    expect(node.rooms.desk.nextAt()).toBeLessThanOrEqual(1_000_500);
    node.now = 1_000_500;
    expect(node.told()).toEqual(["a lifted"]);
    node.rooms.tick();
    expect(node.asked).toContain("sweep r");
    node.rooms.tick();
    expect(node.asked.filter((what) => what === "sweep r")).toHaveLength(1);
  });
});
