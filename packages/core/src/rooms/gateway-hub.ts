/**
 * The rooms of one gateway thread: reads the broadcast ring, moves viewers' cursors, takes publishes. Owns no socket
 * and no timer; the thread's loop calls `turn` when there is work and `tick` by the clock.
 */
import {
  CLOSE_CODES,
  CLOSE_TRY_AGAIN_LATER,
  DanmakuError,
  type Draft,
  ERROR_CODES,
  recordOffset,
  recordStride,
  recordTs,
} from "@danmakud/wire";
import { checkAnnounce, checkConfigure, mayEnter } from "../policy/index.ts";
import type { ScheduledDanmaku } from "../ports/index.ts";
import { readRepeat, readRoom, readScheduled, readSettingsText } from "./broadcast-entry.ts";
import { ControlFrames } from "./control-frames.ts";
import { Delivery } from "./delivery.ts";
import { EarlyResumes } from "./early-resumes.ts";
import {
  BroadcastKind,
  ENVELOPE_BYTES,
  ERROR_CODE,
  ERROR_RETRY,
  NO_ORIGIN,
  padded,
  SCHEDULED_NUMBER,
  STATS_ONLINE,
} from "./envelope-descriptor.ts";
import { FrameRenderer } from "./frame-renderer.ts";
import type { GatewayContext } from "./gateway-context.ts";
import { GatewayTimers } from "./gateway-timers.ts";
import { HeldRooms } from "./held-rooms.ts";
import { HistoryDesk } from "./history-desk.ts";
import type {
  Encoding,
  HistoryPage,
  HistoryQuery,
  Hub,
  Principal,
  PublishOutcome,
  RoomInfo,
  StartPosition,
  ViewerId,
  ViewerSink,
} from "./hub.ts";
import { ROOM_LIMITS } from "./limits.ts";
import { METRICS } from "./metrics.ts";
import { OnlineCounts } from "./online-counts.ts";
import { type Publisher, refusalOf } from "./pending-publishes.ts";
import { Publishing } from "./publishing.ts";
import { RoomRegistry } from "./room-registry.ts";
import { type RoomSettings, type SettingsPatch, settingsFromText } from "./settings.ts";
import { ViewerMessages } from "./viewer-messages.ts";
import { ViewerSweep } from "./viewer-sweep.ts";
import { ViewerState, ViewerTable } from "./viewer-table.ts";
import type { WatchedRoom } from "./watched-room.ts";

export class GatewayHub implements Hub {
  readonly #context: GatewayContext;
  readonly #table = new ViewerTable();
  readonly #rooms: RoomRegistry;
  readonly #delivery: Delivery;
  readonly #timers: GatewayTimers;
  readonly #held: HeldRooms;
  readonly #publishing: Publishing;
  readonly #control: ControlFrames;
  readonly #messages: ViewerMessages;
  readonly #sweep: ViewerSweep;
  readonly #online: OnlineCounts;
  readonly #histories: HistoryDesk;
  readonly #early: EarlyResumes;
  /** Calls that wait for a ring position to be on disk, in order of position. */
  readonly #awaitingDisk: {
    readonly position: number;
    readonly since: number;
    readonly run: () => void;
  }[] = [];
  /** Positions as numbers that do not wrap: what the consumer's stands for, and the wrapping one it was taken from. */
  #position: number;
  #position32: number;
  #durable: number;

  constructor(context: GatewayContext) {
    this.#context = context;
    this.#timers = new GatewayTimers(context.clock.monotonic());
    this.#rooms = new RoomRegistry(
      context,
      (room, replacement) => this.#replace(room, replacement),
      () => this.#held,
    );
    const renderer = new FrameRenderer(context.deflate);
    this.#delivery = new Delivery(context, this.#table, renderer);
    this.#held = new HeldRooms(
      context,
      this.#delivery,
      this.#timers,
      this.#table,
      () => this.#durable,
      (number) => this.#rooms.byNumber(number),
    );
    this.#publishing = new Publishing(context);
    this.#control = new ControlFrames(this.#table, renderer);
    this.#messages = new ViewerMessages(context, this.#table, this.#control, this.#publishing);
    this.#online = new OnlineCounts(this.#table, this.#control);
    this.#histories = new HistoryDesk(context.log, context.report, context.wakeSelf);
    this.#sweep = new ViewerSweep(this.#table, this.#delivery);
    this.#early = new EarlyResumes(this.#rooms, (...viewer) => this.#admit(...viewer));
    this.#position32 = context.broadcast.position;
    this.#position = this.#position32 >>> 0;
    this.#durable = this.#absolute(context.durablePosition());
  }

  /** Viewers connected. */
  get viewers(): number {
    return this.#table.count;
  }

  /** Rooms this gateway has a window of. */
  get watchedRooms(): number {
    return this.#rooms.size;
  }

  /** Publishes without an answer. */
  get unanswered(): number {
    return this.#publishing.pending.size;
  }

  /** Viewers of a room on all gateways, 0 where this gateway does not watch it. */
  online(room: string): number {
    return this.#rooms.get(room)?.online ?? 0;
  }

  /**
   * Reads the ring, answers publishers, sends what is due. Bounded; returns whether there is more to do at once.
   * @hot bench/fanout.ts
   */
  turn(): boolean {
    const { broadcast, clock } = this.#context;
    const now = clock.monotonic();
    let entries = 0;
    while (entries < ROOM_LIMITS.entriesPerTurnMax && broadcast.next()) {
      this.#entry(now);
      entries++;
    }
    if (entries > 0) broadcast.release();
    this.#advanceDurable(now);
    this.#early.turn(now);
    const waiting = this.#timers.turn(now);
    const delivering = this.#delivery.turn(this.#durable);
    const telling = this.#online.turn(now);
    const reading = this.#histories.turn();
    return waiting || delivering || telling || reading || entries === ROOM_LIMITS.entriesPerTurnMax;
  }

  /** Whether `turn` would find nothing in shared memory. */
  isIdle(): boolean {
    return (
      this.#context.broadcast.isEmpty() && this.#absolute(this.#context.durablePosition()) === this.#durable
    );
  }

  /** When `turn` is due at the latest, monotonic ms. */
  nextDueAt(): number {
    return Math.min(this.#delivery.nextDueAt(), this.#timers.nextAt());
  }

  /** Work by the clock; call every 100–250 ms. */
  tick(): void {
    const now = this.#context.clock.monotonic();
    this.#rooms.tick(now);
    this.#publishing.pending.giveUp(
      this.#context.isJournalFailing() ? now : now - ROOM_LIMITS.answerTimeoutMs,
    );
    this.#control.flush();
    while (
      this.#awaitingDisk[0] !== undefined &&
      now - this.#awaitingDisk[0].since > ROOM_LIMITS.answerTimeoutMs
    ) {
      this.#awaitingDisk.shift()?.run();
    }
    this.#sweep.sweep(now);
    this.#context.counters.set(METRICS.viewers, this.#table.count);
  }

  join(name: string, who: Principal, start: StartPosition, encoding: Encoding, sink: ViewerSink): ViewerId {
    const viewer = this.#table.add(sink, who, encoding, this.#context.clock.monotonic());
    this.#messages.joined(viewer);
    if (!mayEnter(who, name)) {
      sink.close(CLOSE_CODES.unauthorized, `not admitted to room ${name}`);
      return viewer;
    }
    const serial = this.#table.serial[viewer];
    this.#rooms.open(name, (room) => {
      if (this.#table.serial[viewer] !== serial) return;
      if (room instanceof DanmakuError) sink.close(CLOSE_TRY_AGAIN_LATER, `${room.code}: ${room.message}`);
      else if (!this.#isEarly(viewer, room, start)) this.#admit(viewer, room, start);
    });
    return viewer;
  }

  receive(viewer: ViewerId, frame: string | Uint8Array): void {
    this.#messages.receive(viewer, frame);
  }

  heard(viewer: ViewerId): void {
    this.#table.heardAt[viewer] = this.#context.clock.monotonic();
  }

  drained(viewer: ViewerId): void {
    this.#delivery.drained(viewer);
  }

  leave(viewer: ViewerId): void {
    if (this.#table.state[viewer] === ViewerState.free) return;
    const room = this.#table.rooms[viewer];
    if (room !== undefined) {
      room.removeViewer(this.#table, viewer);
      room.usedAt = this.#context.clock.monotonic();
      this.#delivery.forget(room);
      this.#rooms.changed(room);
      if (room.viewers.length === 0) this.#online.forget(room);
    }
    this.#messages.left(viewer);
    this.#table.remove(viewer);
  }

  /** Takes no more publishes: those on their way get their answers, new ones are `unavailable` here. */
  refusePublishes(): void {
    this.#publishing.isClosed = true;
  }

  /** Closes every viewer, each with its own time to come back. */
  closeAll(close: (sink: ViewerSink) => void): void {
    for (let viewer = 0; viewer < this.#table.rows; viewer++) {
      const sink = this.#table.sinks[viewer];
      if (sink !== undefined) close(sink);
    }
  }

  publish(name: string, who: Principal, drafts: readonly Draft[]): Promise<readonly PublishOutcome[]> {
    if (!mayEnter(who, name)) {
      const error = new DanmakuError("forbidden", `not admitted to room ${name}`);
      return Promise.resolve(drafts.map(() => ({ error })));
    }
    return new Promise((resolve) => {
      this.#rooms.open(name, (room) => {
        if (room instanceof DanmakuError) resolve(drafts.map(() => ({ error: room })));
        else this.#publishAll(room, who, drafts, resolve);
      });
    });
  }

  configure(name: string, who: Principal, patch: SettingsPatch): Promise<RoomSettings> {
    if (!mayEnter(who, name)) {
      return Promise.reject(new DanmakuError("forbidden", `not admitted to room ${name}`));
    }
    const forbidden = checkConfigure(who);
    if (forbidden !== undefined) return Promise.reject(forbidden);
    if (this.#context.isLogShared && (patch.delayMs !== undefined || patch.slowModeMs !== undefined)) {
      const message = "delayMs and slowModeMs cannot be set with --redis in this version";
      return Promise.reject(new DanmakuError("invalid_message", message));
    }
    return new Promise((resolve, reject) => {
      this.#rooms.open(name, (room) => {
        if (room instanceof DanmakuError) return reject(room);
        let settings: RoomSettings | undefined;
        const refusal = this.#publishing.configure(room, who, patch, {
          configured: (changed) => {
            settings = changed;
          },
          published: () => resolve(settings as RoomSettings),
          refused: (_token, _id, code, message) => {
            reject(refusalOf(code, message, 0));
          },
        });
        if (refusal !== undefined) return reject(refusal);
        this.#publishing.commit();
      });
    });
  }

  announce(name: string, who: Principal, draft: Draft): Promise<PublishOutcome> {
    return this.#inRoom<PublishOutcome>(name, who, (room, resolve, refused) =>
      this.#publishing.announce(room, who, draft, {
        published: (_token, _id, offset, ts) => resolve({ offset, ts, epoch: room.epoch }),
        scheduled: (_token, _id, scheduled, deliverAt) => resolve({ scheduled, deliverAt }),
        refused,
      }),
    );
  }

  async scheduled(
    name: string,
    who: Principal,
    after: { readonly deliverAt: number; readonly number: number },
    limit: number,
  ): Promise<readonly ScheduledDanmaku[]> {
    this.#mayAnnounce(name, who);
    return this.#context.log.scheduled(name, after, Math.min(limit, ROOM_LIMITS.scheduledPageMax));
  }

  async unschedule(name: string, who: Principal, number: number): Promise<void> {
    this.#mayAnnounce(name, who);
    // A number is that of one room for ever, so what is read here cannot have become another's meanwhile.
    if (this.#context.log.scheduledRoom(number) !== name) {
      throw new DanmakuError("not_found", `nothing is scheduled under ${number} in room ${name}`);
    }
    await this.#inRoom<void>(name, who, (room, resolve, refused) =>
      this.#publishing.unschedule(room, who, number, { published: () => resolve(), refused }),
    );
  }

  #mayAnnounce(name: string, who: Principal): void {
    const refusal = mayEnter(who, name)
      ? checkAnnounce(who)
      : new DanmakuError("forbidden", `not admitted to room ${name}`);
    if (refusal !== undefined) throw refusal;
  }

  /** Opens a room, has one entry put into the ring and settles with its answer. */
  #inRoom<Result>(
    name: string,
    who: Principal,
    submit: (
      room: WatchedRoom,
      resolve: (result: Result) => void,
      refused: Publisher["refused"],
    ) => DanmakuError | undefined,
  ): Promise<Result> {
    if (!mayEnter(who, name)) {
      return Promise.reject(new DanmakuError("forbidden", `not admitted to room ${name}`));
    }
    return new Promise((resolve, reject) => {
      this.#rooms.open(name, (room) => {
        if (room instanceof DanmakuError) return reject(room);
        const refusal = submit(room, resolve, (_token, _id, code, message, retryAfterMs) =>
          reject(refusalOf(code, message, retryAfterMs)),
        );
        if (refusal !== undefined) return reject(refusal);
        this.#publishing.commit();
      });
    });
  }

  describe(name: string): Promise<RoomInfo | undefined> {
    return new Promise((resolve, reject) => {
      this.#rooms.look(name, (answer) => {
        if (!(answer instanceof DanmakuError)) {
          const { epoch, head, online, rate, sampledRate, settings } = answer;
          resolve({ room: name, epoch, head, online, rate, sampledRate, settings });
        } else if (answer.code === "not_found") resolve(undefined);
        else reject(answer);
      });
    });
  }

  history(name: string, query: HistoryQuery, isUndelayed = false): Promise<HistoryPage | undefined> {
    return new Promise((resolve, reject) => {
      this.#rooms.look(name, (answer) => {
        if (answer instanceof DanmakuError) {
          if (answer.code === "not_found") resolve(undefined);
          else reject(answer);
          return;
        }
        // The log is read only once it holds everything up to the head that was just named. Where it cannot be
        // written at present, what it holds is all there is to tell, and its own head the one to go on from.
        this.#whenDurable(answer.position, () => {
          const onPage = (page: HistoryPage | DanmakuError) => {
            if (page instanceof DanmakuError) reject(page);
            else resolve(page);
          };
          const { delayMs } = answer.settings;
          const isAll = isUndelayed || delayMs === 0;
          const through = isAll ? Number.POSITIVE_INFINITY : this.#context.clock.now() - delayMs;
          this.#histories.ask(name, answer, answer.position <= this.#durable, query, onPage, through);
          this.#context.wakeSelf();
        });
      });
    });
  }

  async list(
    after: string,
    limit: number,
  ): Promise<{ readonly rooms: readonly RoomInfo[]; readonly next?: string }> {
    const rooms = await this.#context.listRooms(after, limit);
    const last = rooms.at(-1);
    return rooms.length < limit || last === undefined ? { rooms } : { rooms, next: last.room };
  }

  /** One entry of the broadcast ring. @hot bench/fanout.ts */
  #entry(now: number): void {
    const { broadcast, gateway, incarnation } = this.#context;
    const { words, index } = broadcast;
    const word = index >> 2;
    const word0 = words[word] as number;
    const kind = word0 & 0xff;
    const isMine = words[word + 3] === gateway && ((word0 >>> 8) & 0xff) === incarnation;
    const position = this.#absolute(broadcast.position);
    switch (kind) {
      case BroadcastKind.record: {
        const record = index + ENVELOPE_BYTES + padded(word0 >>> 16);
        const room = this.#rooms.byNumber(words[word + 2] as number);
        const isScheduled = words[word + 3] === NO_ORIGIN && words[word + 1] !== 0;
        if (!isMine && !isScheduled && room === undefined) return;
        const offset = recordOffset(broadcast.bytes, record);
        if (isScheduled) this.#messages.scheduledAcks.delivered(words[word + 1] as number, offset, position);
        if (isMine) {
          this.#publishing.pending.sequenced(
            words[word + 1] as number,
            offset,
            recordTs(broadcast.bytes, record),
            position,
          );
        }
        if (room === undefined) return;
        const stride = recordStride(broadcast.bytes, record);
        if (room.held !== undefined || isScheduled || room.delayMs > 0) {
          this.#held.append(room, words, record >> 2, stride, offset, position, isScheduled, now);
          return;
        }
        room.window.append(words, record >> 2, stride, offset, position);
        this.#delivery.appended(room, now);
        return;
      }
      case BroadcastKind.repeat: {
        if (!isMine) return;
        const { offset, ts } = readRepeat(broadcast);
        this.#publishing.pending.sequenced(words[word + 1] as number, offset, ts, position);
        return;
      }
      case BroadcastKind.scheduled:
      case BroadcastKind.scheduledRepeat: {
        if (!isMine) return;
        const { number, deliverAt } = readScheduled(broadcast);
        this.#publishing.pending.scheduled(words[word + 1] as number, number, deliverAt, position);
        return;
      }
      case BroadcastKind.unscheduled:
        if (isMine) this.#publishing.pending.sequenced(words[word + 1] as number, 0, 0, position);
        this.#messages.unscheduled(words[word + SCHEDULED_NUMBER] as number);
        return;
      case BroadcastKind.settings: {
        const room = this.#rooms.byNumber(words[word + 2] as number);
        if (!isMine && room === undefined) return;
        const settings = settingsFromText(readSettingsText(broadcast));
        if (room !== undefined) this.#held.configured(room, settings.delayMs, now);
        if (!isMine) return;
        const { offset, ts } = readRepeat(broadcast);
        const publisher = this.#publishing.pending.sequenced(words[word + 1] as number, offset, ts, position);
        publisher?.configured?.(settings);
        return;
      }
      case BroadcastKind.reject:
        if (isMine)
          this.#publishing.pending.rejected(
            words[word + 1] as number,
            words[word + ERROR_CODE] as number,
            position,
            words[word + ERROR_RETRY] as number,
          );
        return;
      case BroadcastKind.refuse:
        if (isMine) {
          const code = ERROR_CODES[words[word + ERROR_CODE] as number] ?? "unavailable";
          this.#rooms.answered(
            words[word + 1] as number,
            new DanmakuError(code, REFUSALS[code] ?? "refused"),
          );
        }
        return;
      case BroadcastKind.room:
        if (isMine) this.#rooms.answered(words[word + 1] as number, { ...readRoom(broadcast), position });
        return;
      case BroadcastKind.stats: {
        const room = this.#rooms.byNumber(words[word + 2] as number);
        if (room !== undefined) this.#online.changed(room, words[word + STATS_ONLINE] as number);
        return;
      }
      case BroadcastKind.closed:
        this.#rooms.closed(words[word + 2] as number);
        return;
      default:
        return;
    }
  }

  /**
   * The viewers of a room belong in another one of the same name. Where it has the same epoch they go on where they
   * are, whatever it got meanwhile; a new life is told by a new `hello`, and they go on at its head.
   */
  #replace(room: WatchedRoom, replacement: WatchedRoom | DanmakuError): void {
    this.#online.forget(room);
    for (const viewer of [...room.viewers]) {
      room.removeViewer(this.#table, viewer);
      this.#delivery.forget(room);
      if (replacement instanceof DanmakuError) {
        this.#table.rooms[viewer] = undefined;
        this.#table.sinks[viewer]?.close(CLOSE_TRY_AGAIN_LATER, replacement.message);
      } else if (replacement.epoch === room.epoch) {
        this.#move(viewer, replacement);
      } else {
        this.#table.state[viewer] = ViewerState.opening;
        this.#admit(viewer, replacement, { kind: "head" });
      }
    }
  }

  /** Goes on in `room` at the viewer's cursor, owed everything after it. */
  #move(viewer: ViewerId, room: WatchedRoom): void {
    const isBlocked = this.#table.state[viewer] === ViewerState.blocked;
    room.addViewer(this.#table, viewer);
    this.#rooms.changed(room);
    this.#table.recovering[viewer] = 1;
    if (isBlocked) return;
    this.#table.state[viewer] = ViewerState.opening;
    this.#delivery.start(room, viewer);
  }

  /** Only where others write too can a viewer know more than this node. */
  #isEarly(viewer: ViewerId, room: WatchedRoom, start: StartPosition): boolean {
    if (!this.#context.isLogShared) return false;
    const serial = this.#table.serial[viewer];
    const isStill = () => this.#table.serial[viewer] === serial;
    return this.#early.take(viewer, room, start, isStill, this.#context.clock.monotonic());
  }

  #admit(viewer: ViewerId, room: WatchedRoom, start: StartPosition): void {
    const { clock, counters } = this.#context;
    const { window } = room;
    room.addViewer(this.#table, viewer);
    this.#rooms.changed(room);
    const resumed = start.kind === "resume" && start.epoch === room.epoch && start.after <= room.head;
    let cursor = window.head;
    if (resumed) cursor = start.after;
    else if (start.kind === "last" && start.records > 0) {
      const reachesStart = window.first === 1;
      if (start.records <= window.count || reachesStart) cursor = window.positionOfLast(start.records);
      else cursor = -start.records;
    }
    this.#table.cursor[viewer] = cursor;
    this.#table.recovering[viewer] = cursor < window.head ? 1 : 0;
    counters.add(METRICS.joins, 1);
    if (resumed) counters.add(METRICS.resumes, 1);
    const online = this.#online.greet(viewer, room, clock.monotonic());
    this.#control.hello(viewer, room, { resumed, cursor, online, serverTime: clock.now() });
    if (this.#table.state[viewer] !== ViewerState.opening) return;
    this.#delivery.start(room, viewer);
    this.#messages.admitted(viewer);
  }

  #publishAll(
    room: WatchedRoom,
    who: Principal,
    drafts: readonly Draft[],
    resolve: (outcomes: readonly PublishOutcome[]) => void,
  ): void {
    const outcomes: PublishOutcome[] = new Array(drafts.length);
    let open = drafts.length;
    if (open === 0) resolve(outcomes);
    const settle = (index: number, outcome: PublishOutcome): void => {
      outcomes[index] = outcome;
      if (--open === 0) resolve(outcomes);
    };
    const publisher: Publisher = {
      published: (index, _id, offset, ts) => settle(index, { offset, ts, epoch: room.epoch }),
      scheduled: (index, _id, scheduled, deliverAt) => settle(index, { scheduled, deliverAt }),
      refused: (index, _id, code, message, retryAfterMs) => {
        settle(index, { error: refusalOf(code, message, retryAfterMs) });
      },
    };
    drafts.forEach((draft, index) => {
      const error = this.#publishing.submit(room, who, draft, publisher, index, index);
      if (error !== undefined) settle(index, { error });
    });
    this.#publishing.commit();
  }

  #advanceDurable(now: number): void {
    const durable = this.#absolute(this.#context.durablePosition());
    if (durable === this.#durable) return;
    this.#durable = durable;
    this.#publishing.pending.durable(durable, now);
    this.#messages.durable(durable);
    this.#held.durable(now);
    this.#control.flush();
    while (this.#awaitingDisk[0] !== undefined && this.#awaitingDisk[0].position <= durable) {
      this.#awaitingDisk.shift()?.run();
    }
  }

  #whenDurable(position: number, run: () => void): void {
    if (position <= this.#durable || this.#context.isJournalFailing()) run();
    else this.#awaitingDisk.push({ position, since: this.#context.clock.monotonic(), run });
  }

  /** Turns a wrapping ring position into one that only grows: never further than half the circle from the reader's. */
  #absolute(position32: number): number {
    const here = this.#context.broadcast.position;
    this.#position += (here - this.#position32) | 0;
    this.#position32 = here;
    return this.#position + ((position32 - here) | 0);
  }
}

const REFUSALS: Readonly<Partial<Record<string, string>>> = {
  not_found: "no such room",
  overloaded: "this node holds as many rooms as it may",
};
