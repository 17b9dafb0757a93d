/** A node's rooms without threads, sockets or disk: every part real, joined in one thread, the clock in the test's hand. */
import { deflateRawSync, inflateRawSync } from "node:zlib";
import {
  type DanmakuError,
  type Draft,
  decodeRecords,
  RECORD_TYPES,
  recordLength,
  recordOffset,
  recordStride,
  recordType,
  type ServerRecord,
} from "@danmakud/wire";
import {
  BroadcastConsumer,
  BroadcastProducer,
  createBroadcastRing,
  createIngressRing,
  IngressConsumer,
  IngressProducer,
} from "../memory/index.ts";
import type {
  AppendBatch,
  LogPage,
  PageLimits,
  RoomLogReader,
  RoomLogWriter,
  Sanction,
  SanctionKind,
  ScheduledDanmaku,
  StoredKey,
  StoredRoom,
} from "../ports/index.ts";
import { SITE, StoreError } from "../ports/index.ts";
import { ThreadTimers } from "../timing/index.ts";
import { GatewayHub } from "./gateway-hub.ts";
import type { Encoding, Principal, SanctionOrder, StartPosition, ViewerId, ViewerSink } from "./hub.ts";
import { Journal } from "./journal.ts";
import { Sequencer } from "./sequencer.ts";
import type { RoomSettings, SettingsPatch } from "./settings.ts";

interface MemoryRoom {
  readonly epoch: string;
  ts: number;
  settings: string;
  readonly records: { readonly offset: number; readonly bytes: Uint8Array }[];
}

/** A log in memory that can be told to fail. Keeps whole records by room. */
class MemoryLog implements RoomLogReader, RoomLogWriter {
  failing = false;
  readonly rooms = new Map<string, MemoryRoom>();
  readonly remembered: (StoredKey & { room: string })[] = [];
  readonly waiting = new Map<number, ScheduledDanmaku>();
  readonly held = new Map<string, Sanction>();
  last = 0;

  commit(batch: AppendBatch): void {
    if (this.failing) throw new StoreError("full", "the disk is full");
    for (const { room, olderThanTs } of batch.forget) {
      if ((this.rooms.get(room)?.ts ?? 0) < olderThanTs) this.rooms.delete(room);
    }
    for (const run of batch.runs) {
      const stored = this.#room(run.room, run.epoch);
      for (let at = 0; at < run.bytes.length; at += recordStride(run.bytes, at)) {
        stored.records.push({
          offset: recordOffset(run.bytes, at),
          bytes: run.bytes.slice(at, at + recordStride(run.bytes, at)),
        });
      }
      stored.ts = run.ts;
    }
    for (const { room, epoch, ts, text } of batch.settings) {
      const stored = this.#room(room, epoch);
      stored.settings = text;
      stored.ts = Math.max(stored.ts, ts);
    }
    this.remembered.push(...batch.keys);
    for (const one of batch.schedule) {
      this.waiting.set(one.number, one);
      this.last = one.number;
    }
    for (const number of batch.unschedule) this.waiting.delete(number);
    for (const sanction of batch.sanctions) {
      const key = `${sanction.room} ${sanction.kind} ${sanction.uid}`;
      if (sanction.until === 0) this.held.delete(key);
      else this.held.set(key, sanction);
    }
  }

  sanctions(
    room: string,
    kind: SanctionKind,
    now: number,
    after: string,
    limit: number,
  ): readonly Sanction[] {
    return [...this.held.values()]
      .filter((one) => one.room === room && one.kind === kind && one.uid > after && one.until > now)
      .sort((a, b) => (a.uid < b.uid ? -1 : 1))
      .slice(0, limit);
  }

  bannedUntil(room: string, uid: string): number {
    const ends = [room, ""].map((scope) => this.held.get(`${scope} ban ${uid}`)?.until ?? 0);
    return Math.max(...ends);
  }

  allSanctions(): Iterable<Sanction> {
    return this.held.values();
  }

  scheduled(
    room: string,
    after: { readonly deliverAt: number; readonly number: number },
    limit: number,
  ): readonly ScheduledDanmaku[] {
    const order = (
      a: { deliverAt: number; number: number },
      b: { deliverAt: number; number: number },
    ): number => a.deliverAt - b.deliverAt || a.number - b.number;
    return [...this.waiting.values()]
      .filter((one) => one.room === room && order(one, after) > 0)
      .sort(order)
      .slice(0, limit);
  }

  isScheduled(room: string, number: number): boolean {
    return this.waiting.get(number)?.room === room;
  }

  allScheduled(): Iterable<ScheduledDanmaku> {
    return this.waiting.values();
  }

  lastScheduled(): number {
    return this.last;
  }

  #room(name: string, epoch: string): MemoryRoom {
    const room = this.rooms.get(name) ?? { epoch, ts: 0, settings: "", records: [] };
    this.rooms.set(name, room);
    return room;
  }

  settings(name: string): string {
    return this.rooms.get(name)?.settings ?? "";
  }

  room(name: string): StoredRoom | undefined {
    const room = this.rooms.get(name);
    if (room === undefined) return undefined;
    return {
      epoch: room.epoch,
      head: room.records.at(-1)?.offset ?? 0,
      ts: room.ts,
      floor: room.records[0]?.offset ?? 1,
    };
  }

  read(name: string, after: number, through: number, limits: PageLimits): LogPage {
    const records = (this.rooms.get(name)?.records ?? [])
      .filter(({ offset }) => offset > after && offset <= through)
      .slice(0, limits.recordsMax);
    const bytes = new Uint8Array(records.reduce((sum, record) => sum + record.bytes.length, 0));
    let at = 0;
    for (const record of records) {
      bytes.set(record.bytes, at);
      at += record.bytes.length;
    }
    const next = records.length === limits.recordsMax ? (records.at(-1)?.offset ?? through) : through;
    return { bytes, next, count: records.length };
  }

  positionOfLast(name: string, wanted: number, through: number): number {
    const records = (this.rooms.get(name)?.records ?? []).filter(({ offset }) => offset <= through);
    return (records.at(-wanted)?.offset ?? records[0]?.offset ?? through + 1) - 1;
  }

  *keys(name: string, sinceTs: number): Iterable<StoredKey> {
    for (const key of this.remembered) if (key.room === name && key.ts >= sinceTs) yield key;
  }

  list(after: string, limit: number): readonly string[] {
    return [...this.rooms.keys()]
      .filter((name) => name > after)
      .sort()
      .slice(0, limit);
  }

  count(): number {
    return this.rooms.size;
  }

  untouchedSince(ts: number, limit: number): readonly string[] {
    return [...this.rooms]
      .filter(([, room]) => room.ts < ts)
      .map(([name]) => name)
      .slice(0, limit);
  }

  expireKeys(): void {}
  close(): void {}
}

/** A viewer's end of the line: remembers everything; may be told that its socket is full. */
export class TestViewer implements ViewerSink {
  readonly records: ServerRecord[] = [];
  readonly texts: string[] = [];
  closed: { code: number; reason: string } | undefined;
  /** What the transport does then. */
  onClose: (() => void) | undefined;
  /** What `send` answers instead of the bytes taken. */
  answer: -1 | 0 | undefined;
  frames = 0;
  bytes = 0;
  encoding: Encoding = "tlv";
  id: ViewerId = -1;

  send(frame: Uint8Array | string): number {
    if (this.answer === 0) return 0;
    this.frames++;
    this.bytes += frame.length;
    if (typeof frame === "string") {
      this.texts.push(frame);
      if (frame.startsWith("[")) this.records.push(...(JSON.parse(frame) as ServerRecord[]));
    } else if (this.encoding === "json-deflate") {
      this.records.push(...(JSON.parse(inflateRawSync(frame).toString()) as ServerRecord[]));
    } else if (recordType(frame, 0) === RECORD_TYPES.deflate) {
      this.records.push(
        ...(decodeRecords(inflateRawSync(frame.subarray(4, recordLength(frame, 0)))) as ServerRecord[]),
      );
    } else {
      this.records.push(...(decodeRecords(frame.slice()) as ServerRecord[]));
    }
    return this.answer ?? frame.length;
  }

  close(code: number, reason: string): void {
    this.closed = { code, reason };
    this.onClose?.();
  }

  of<Type extends ServerRecord["type"]>(type: Type): Extract<ServerRecord, { type: Type }>[] {
    return this.records.filter((record) => record.type === type) as Extract<ServerRecord, { type: Type }>[];
  }

  offsets(): number[] {
    return this.of("danmaku").map((record) => record.offset);
  }
}

/** Threads turn at least so often. */
const STEP_MS_MAX = 500;

export interface RoomsOptions {
  readonly gateways?: number;
  readonly roomsMax?: number;
  readonly roomTtlMs?: number;
  readonly roomLingerMs?: number;
  readonly limits?: boolean;
  readonly broadcastBytes?: number;
  /** The log of a node that stopped; default: an empty one. */
  readonly log?: MemoryLog;
}

export class Rooms {
  /** The monotonic clock; and how far the clock of the day is ahead of it, which a test may set like anybody else. */
  now = 1_700_000_000_000;
  clockAheadMs = 0;
  readonly log: MemoryLog;
  readonly hubs: GatewayHub[];
  readonly sequencerTimers = new ThreadTimers(this.now);
  /** Of the gateways, in their order. */
  readonly timers: ThreadTimers[] = [];
  readonly sequencer: Sequencer;
  readonly journal: Journal;
  /** While true the journal is not run: records stay undurable. */
  journalHeld = false;
  readonly reports: string[] = [];
  /** Frames compressed. */
  deflated = 0;
  /** What was counted, by the numbers of `METRICS`. */
  readonly counted: number[] = [];
  #durable = 0;
  #failing = false;
  #tokens = 0;

  constructor(options: RoomsOptions = {}) {
    this.log = options.log ?? new MemoryLog();
    const gateways = options.gateways ?? 1;
    const clock = { now: () => this.now + this.clockAheadMs, monotonic: () => this.now };
    const counters = {
      add: (metric: number, count: number) => {
        this.counted[metric] = (this.counted[metric] ?? 0) + count;
      },
      set: () => {},
    };
    const ingress = Array.from({ length: gateways }, () => createIngressRing(1 << 20));
    const broadcast = createBroadcastRing(options.broadcastBytes ?? 1 << 22, gateways + 1);
    const consumers = Array.from({ length: gateways + 1 }, (_, consumer) => {
      const reader = new BroadcastConsumer(broadcast, consumer);
      reader.attachAtHead();
      return reader;
    });
    const roomLingerMs = options.roomLingerMs ?? 60_000;
    this.sequencer = new Sequencer({
      ingress: ingress.map((ring) => new IngressConsumer(ring)),
      broadcast: new BroadcastProducer(broadcast),
      log: this.log,
      clock,
      timers: this.sequencerTimers,
      counters,
      random: { token: () => `epoch${++this.#tokens}`, fraction: () => 0.5 },
      durablePosition: () => this.#durable,
      roomsMax: options.roomsMax ?? 1000,
      roomTtlMs: options.roomTtlMs ?? 7 * 86_400_000,
      roomLingerMs,
    });
    this.journal = new Journal({
      broadcast: consumers[gateways] as BroadcastConsumer,
      log: this.log,
      clock,
      counters,
      onDurable: (position) => {
        this.#durable = position;
      },
      onFailing: (cause) => {
        this.#failing = cause !== undefined;
      },
      beforeCommit: () => {},
      afterCommit: () => {},
    });
    this.hubs = ingress.map((ring, gateway) => {
      this.timers[gateway] = new ThreadTimers(this.now);
      return new GatewayHub({
        gateway,
        incarnation: 0,
        ingress: new IngressProducer(ring),
        broadcast: consumers[gateway] as BroadcastConsumer,
        wakeSequencer: () => {},
        wakeSelf: () => {},
        durablePosition: () => this.#durable,
        isJournalFailing: () => this.#failing,
        log: this.log,
        deflate: (bytes) => {
          this.deflated++;
          return deflateRawSync(bytes);
        },
        clock,
        timers: this.timers[gateway] as ThreadTimers,
        counters,
        isLogShared: false,
        listRooms: async (after, limit) => this.sequencer.list(after, limit),
        report: (message) => this.reports.push(message),
        limits: options.limits ?? false,
        contentMax: 200,
        latencyTargetMs: 20,
        roomLingerMs,
      });
    });
  }

  get hub(): GatewayHub {
    return this.#hub(0);
  }

  #hub(gateway: number): GatewayHub {
    return this.hubs[gateway] as GatewayHub;
  }

  /** Lets everything settle: all rings empty, all that is due sent. The clock moves by `ms` in all. */
  run(ms = 50): void {
    const steps = Math.max(10, Math.ceil(ms / STEP_MS_MAX));
    for (let step = 0; step < steps; step++) this.step(ms / steps);
  }

  /** One turn of everything after `ms`; 1 s and more is a thread that stood still. */
  step(ms: number): void {
    this.now += ms;
    while (this.sequencerTimers.turn(this.now));
    this.sequencer.turn();
    this.sequencer.tick();
    if (!this.journalHeld) while (this.journal.turn());
    this.hubs.forEach((hub, gateway) => {
      const timers = this.timers[gateway] as ThreadTimers;
      for (let turns = 0; turns < 1000; turns++) {
        const isMoreDue = timers.turn(this.now);
        if (!hub.turn() && !isMoreDue) break;
      }
      hub.tick();
    });
  }

  join(
    room: string,
    start: StartPosition = { kind: "head" },
    encoding: Encoding = "tlv",
    gateway = 0,
    uid = `viewer${gateway}`,
    role: Principal["role"] = "viewer",
  ): TestViewer {
    const viewer = new TestViewer();
    viewer.encoding = encoding;
    viewer.id = this.#hub(gateway).join(room, person(uid, role), start, encoding, viewer);
    return viewer;
  }

  /** Publishes as a service and waits for the outcomes. */
  async publish(
    room: string,
    drafts: readonly Partial<Draft>[],
    gateway = 0,
  ): Promise<readonly (number | string)[]> {
    const outcomes = this.#hub(gateway).publish(room, person("service", "service"), drafts.map(draft));
    this.run();
    return (await outcomes).map((outcome) => {
      if ("error" in outcome) return outcome.error.code;
      return "offset" in outcome ? outcome.offset : `scheduled ${outcome.scheduled}`;
    });
  }

  /** Imposes (or, by `lastsMs` 0, lifts) a mute or ban as a moderator or admin and waits for the outcome. */
  async sanction(order: Partial<SanctionOrder>, who?: Principal, gateway = 0): Promise<Sanction | string> {
    const wanted = { kind: "mute", room: "r", uid: "u", lastsMs: 60_000, ...order } as const;
    const by = who ?? (wanted.room === SITE ? person("boss", "admin") : person("mod", "moderator"));
    const outcome = this.#hub(gateway)
      .sanction(by, wanted)
      .catch((error: DanmakuError) => error.code);
    // Whether one may is asked of the log first, which may answer later.
    await Bun.sleep(0);
    this.run();
    return await outcome;
  }

  /** Changes settings as a moderator and waits for the outcome. */
  async configure(
    room: string,
    patch: SettingsPatch,
    who = person("mod", "moderator"),
    gateway = 0,
  ): Promise<RoomSettings | string> {
    const outcome = this.#hub(gateway)
      .configure(room, who, patch)
      .catch((error: DanmakuError) => error.code);
    this.run();
    return await outcome;
  }
}

export function person(uid: string, role: Principal["role"] = "viewer"): Principal {
  return { uid, role };
}

export function draft(fields: Partial<Draft>): Draft {
  return { content: "hello", mode: 0, color: 0xffffff, size: 25, ...fields };
}
