/** A whole node before a log that several share, of which the test says what it knows of each room. */
import {
  BroadcastConsumer,
  BroadcastProducer,
  createBroadcastRing,
  createIngressRing,
  IngressConsumer,
  IngressProducer,
} from "../memory/index.ts";
import type { SharedBatch, SharedLog, SharedRoomState, SharedSanctionLog } from "../ports/index.ts";
import { ThreadTimers } from "../timing/index.ts";
import { readRoomNames, readSettingsText } from "./broadcast-entry.ts";
import { BroadcastKind, ENVELOPE_BYTES, IngressKind, STATS_ONLINE } from "./envelope-descriptor.ts";
import { SharedSequencer } from "./shared-sequencer.ts";

/** An idle thread beats so often; every look, message and answer falls on one of its beats. */
export const BEAT_MS = 200;
export const LINGER_MS = 10_000;

type LogRoom = { -readonly [Key in keyof SharedRoomState]: SharedRoomState[Key] };

export class SharedNode {
  now = 1_000_000;
  /** What the log knows; a room that it is asked for the first time is there, empty. */
  readonly log = new Map<string, LogRoom>();
  /** While true the log answers no look. */
  isAway = false;
  readonly looks: { readonly name: string; readonly at: number; readonly viewers: number | undefined }[] = [];
  /** Rooms that were read back from the log. */
  readonly reads: string[] = [];
  /** What gateways were told, but for their rooms' answers. */
  readonly told: {
    readonly kind: string;
    readonly name: string;
    readonly at: number;
    readonly is: unknown;
  }[] = [];
  readonly timers = new ThreadTimers(this.now);
  readonly sequencer: SharedSequencer;
  readonly #ingress: IngressProducer[];
  readonly #broadcast: BroadcastConsumer;
  readonly #names = new Map<number, string>();
  readonly #numbers = new Map<string, number>();
  #answers: (() => void)[] = [];

  constructor(roomsMax = 1000, roomLingerMs = LINGER_MS) {
    const ingress = [0, 1].map(() => createIngressRing(1 << 20));
    this.#ingress = ingress.map((ring) => new IngressProducer(ring));
    const broadcast = createBroadcastRing(1 << 23, 1);
    this.#broadcast = new BroadcastConsumer(broadcast, 0);
    this.#broadcast.attachAtHead();
    const later = (answer: () => void) => void this.#answers.push(answer);
    this.sequencer = new SharedSequencer({
      ingress: ingress.map((ring) => new IngressConsumer(ring)),
      broadcast: new BroadcastProducer(broadcast),
      log: this.#sharedLog(later),
      sanctions: {
        all: (_room, onDone) => later(() => onDone({ revision: "", sanctions: [] })),
        revision: (_room, onDone) => later(() => onDone("")),
      } as SharedSanctionLog,
      clock: { now: () => this.now, monotonic: () => this.now },
      timers: this.timers,
      counters: { add: () => {}, set: () => {} },
      roomsMax,
      roomLingerMs,
      onFailing: () => {},
      onAlarm: () => {},
      onUsers: () => {},
      wake: () => {},
    });
    this.run(BEAT_MS);
  }

  open(name: string, gateway = 0, life = 0): void {
    const ring = this.#ingress[gateway] as IngressProducer;
    const bytes = new TextEncoder().encode(name);
    const at = ring.claim(ENVELOPE_BYTES + bytes.length);
    ring.words[at >> 2] = IngressKind.open | (life << 8) | (bytes.length << 16);
    ring.words[(at >> 2) + 1] = 1;
    ring.words[(at >> 2) + 2] = 1;
    ring.bytes.set(bytes, at + ENVELOPE_BYTES);
    ring.commit();
  }

  openMany(count: number): string[] {
    const names = Array.from({ length: count }, (_, room) => `r${room}`);
    for (const name of names) this.open(name);
    this.settle();
    return names;
  }

  count(name: string, viewers: number, gateway = 0, life = 0): void {
    const ring = this.#ingress[gateway] as IngressProducer;
    const at = ring.claim(ENVELOPE_BYTES) >> 2;
    ring.words[at] = IngressKind.count | (life << 8);
    ring.words[at + 1] = 0;
    ring.words[at + 2] = this.#numbers.get(name) ?? 0;
    ring.words[at + 3] = viewers;
    ring.commit();
  }

  /** What the log knows of a room, for the test to change. */
  at(name: string): LogRoom {
    const known = this.log.get(name);
    if (known !== undefined) return known;
    const room: LogRoom = {
      ...{ epoch: "e", head: 0, ts: 1, settings: "", sanctions: "" },
      ...{ isInDoubt: false, online: 0, dueInMs: undefined },
    };
    this.log.set(name, room);
    return room;
  }

  run(ms: number): void {
    for (const end = this.now + ms; this.now < end; ) {
      this.now += BEAT_MS;
      this.sequencer.tick();
      while (this.timers.turn(this.now));
      this.settle();
    }
  }

  /** Has all that was asked answered, and takes what gateways are told. */
  settle(): void {
    do {
      const answers = this.#answers;
      this.#answers = [];
      for (const answer of answers) answer();
      while (this.sequencer.turn());
      this.#take();
    } while (this.#answers.length > 0);
  }

  toldOf(kind: string, name?: string) {
    return this.told.filter((entry) => entry.kind === kind && (name === undefined || entry.name === name));
  }

  /** Only what these tests ask of it, hence the cast. */
  #sharedLog(later: (answer: () => void) => void): SharedLog {
    return {
      subscribe: (_room: string, onDone: (done: undefined) => void) => later(() => onDone(undefined)),
      unsubscribe: () => {},
      look: (name: string, viewers: number | undefined, onDone: (state: SharedRoomState | Error) => void) => {
        this.looks.push({ name, viewers, at: this.now });
        later(() => onDone(this.isAway ? new Error("away") : { ...this.at(name) }));
      },
      read: (name: string) => this.reads.push(name),
      append: (name: string, batch: SharedBatch, onDone: (result: unknown) => void) => {
        // A node that has shown more than the log has: it begins anew after that.
        const room = this.at(name);
        room.epoch = `${batch.epoch}+`;
        room.head = batch.head;
        const { epoch, head: base } = room;
        later(() => onDone({ status: "ok", epoch, base, first: base + 1, ts: 1, outcomes: "", taken: 0 }));
      },
      announce: (_room: string, onDone: (done: undefined) => void) => later(() => onDone(undefined)),
      claim: () => {},
    } as unknown as SharedLog;
  }

  #take(): void {
    const ring = this.#broadcast;
    while (ring.next()) {
      const word = ring.index >> 2;
      const kind = (ring.words[word] as number) & 0xff;
      const number = ring.words[word + 2] as number;
      const entry = { name: this.#names.get(number) ?? "", at: this.now };
      if (kind === BroadcastKind.room) {
        const { name } = readRoomNames(ring);
        this.#names.set(number, name);
        this.#numbers.set(name, number);
      } else if (kind === BroadcastKind.stats)
        this.told.push({ ...entry, kind: "stats", is: ring.words[word + STATS_ONLINE] });
      else if (kind === BroadcastKind.settings)
        this.told.push({ ...entry, kind: "settings", is: readSettingsText(ring) });
      else if (kind === BroadcastKind.closed) this.told.push({ ...entry, kind: "closed", is: number });
    }
    ring.release();
  }
}
