/**
 * The rooms of one gateway thread: reads the broadcast ring, moves viewers' cursors, takes publishes. Owns no socket
 * and no timer; the thread's loop calls `turn` when there is work and `tick` by the clock.
 */
import { DanmakuError, type Draft, ERROR_CODES, recordOffset, recordStride, recordTs } from "@danmakud/wire";
import type { Sanction, SanctionKind, ScheduledDanmaku } from "../ports/index.ts";
import { readRepeat, readRoom, readScheduled, readSettingsText } from "./broadcast-entry.ts";
import { ControlFrames } from "./control-frames.ts";
import { Delivery } from "./delivery.ts";
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
import { GatewaySanctions } from "./gateway-sanctions.ts";
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
  SanctionOrder,
  StartPosition,
  ViewerId,
  ViewerSink,
} from "./hub.ts";
import { ROOM_LIMITS } from "./limits.ts";
import { METRICS } from "./metrics.ts";
import { OnlineCounts } from "./online-counts.ts";
import { Publishing } from "./publishing.ts";
import { RingPositions } from "./ring-positions.ts";
import { RoomCalls } from "./room-calls.ts";
import { RoomRegistry } from "./room-registry.ts";
import { SanctionCalls } from "./sanction-calls.ts";
import { readSanction } from "./sanction-entry.ts";
import { SanctionGate } from "./sanction-gate.ts";
import { type RoomSettings, type SettingsPatch, settingsFromText } from "./settings.ts";
import { ViewerEntrance } from "./viewer-entrance.ts";
import { ViewerMessages } from "./viewer-messages.ts";
import { ViewerTable } from "./viewer-table.ts";
import { ViewerWatch } from "./viewer-watch.ts";

export class GatewayHub implements Hub {
  readonly #context: GatewayContext;
  readonly #table = new ViewerTable();
  readonly #rooms: RoomRegistry;
  readonly #delivery: Delivery;
  readonly #held: HeldRooms;
  readonly #publishing: Publishing;
  readonly #control: ControlFrames;
  readonly #messages: ViewerMessages;
  readonly #online: OnlineCounts;
  readonly #histories: HistoryDesk;
  readonly #entrance: ViewerEntrance;
  readonly #calls: RoomCalls;
  readonly #sanctions: GatewaySanctions;
  readonly #sanctionCalls: SanctionCalls;
  readonly #positions: RingPositions;

  constructor(context: GatewayContext) {
    this.#context = context;
    this.#positions = new RingPositions(context);
    this.#rooms = new RoomRegistry(
      context,
      (room, replacement) => {
        this.#entrance.replace(room, replacement);
        if (!(replacement instanceof DanmakuError)) this.#sanctions.renewed(replacement);
      },
      {
        opened: (room, position, visibleHead) => this.#held.opened(room, position, visibleHead),
        renumbered: (room) => {
          this.#held.renumbered(room);
          this.#online.renumbered(room);
          this.#sanctions.renewed(room);
        },
        forget: (room) => {
          this.#held.forget(room);
          this.#online.forget(room);
        },
      },
    );
    const watch = new ViewerWatch(context, this.#table);
    const renderer = new FrameRenderer(context.deflate);
    this.#delivery = new Delivery(context, this.#table, renderer, watch);
    this.#held = new HeldRooms(
      context,
      this.#delivery,
      this.#table,
      () => this.#positions.durable,
      (number) => this.#rooms.byNumber(number),
    );
    const gate = new SanctionGate(context.clock);
    this.#sanctions = new GatewaySanctions(gate, this.#table, this.#rooms);
    this.#publishing = new Publishing(context, gate);
    this.#control = new ControlFrames(this.#table, renderer);
    this.#messages = new ViewerMessages(context, this.#table, this.#control, this.#publishing);
    this.#online = new OnlineCounts(this.#table, this.#control, context.timers, (number) =>
      this.#rooms.byNumber(number),
    );
    this.#histories = new HistoryDesk(context.log, context.report, context.wakeSelf);
    this.#calls = new RoomCalls(context, this.#rooms, this.#publishing, this.#histories, this.#positions);
    this.#sanctionCalls = new SanctionCalls(context, this.#publishing);
    this.#entrance = new ViewerEntrance(context, {
      table: this.#table,
      rooms: this.#rooms,
      delivery: this.#delivery,
      control: this.#control,
      messages: this.#messages,
      online: this.#online,
      watch,
      gate,
    });
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
    this.#entrance.turn(now);
    const delivering = this.#delivery.turn(this.#positions.durable);
    const telling = this.#online.turn(now);
    const reading = this.#histories.turn();
    return delivering || telling || reading || entries === ROOM_LIMITS.entriesPerTurnMax;
  }

  /** Whether `turn` would find nothing in shared memory. */
  isIdle(): boolean {
    return this.#context.broadcast.isEmpty() && this.#positions.isLevel();
  }

  /** When `turn` is due at the latest, monotonic ms. */
  nextDueAt(): number {
    return this.#delivery.nextDueAt();
  }

  /** Work by the clock; call every 100–250 ms. */
  tick(): void {
    const now = this.#context.clock.monotonic();
    this.#rooms.tick(now);
    this.#publishing.pending.giveUp(
      this.#context.isJournalFailing() ? now : now - ROOM_LIMITS.answerTimeoutMs,
    );
    this.#control.flush();
    this.#positions.giveUp(now);
    this.#publishing.tellOfUsers();
    this.#context.counters.set(METRICS.viewers, this.#table.count);
  }

  join(name: string, who: Principal, start: StartPosition, encoding: Encoding, sink: ViewerSink): ViewerId {
    return this.#entrance.join(name, who, start, encoding, sink);
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
    this.#entrance.leave(viewer);
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
    return this.#calls.publish(name, who, drafts);
  }

  configure(name: string, who: Principal, patch: SettingsPatch): Promise<RoomSettings> {
    return this.#calls.configure(name, who, patch);
  }

  announce(name: string, who: Principal, draft: Draft): Promise<PublishOutcome> {
    return this.#calls.announce(name, who, draft);
  }

  scheduled(
    name: string,
    who: Principal,
    after: { readonly deliverAt: number; readonly number: number },
    limit: number,
  ): Promise<readonly ScheduledDanmaku[]> {
    return this.#calls.scheduled(name, who, after, limit);
  }

  unschedule(name: string, who: Principal, number: number): Promise<void> {
    return this.#calls.unschedule(name, who, number);
  }

  sanction(who: Principal, order: SanctionOrder): Promise<Sanction> {
    return this.#sanctionCalls.impose(who, order);
  }

  sanctions(
    name: string,
    kind: SanctionKind,
    who: Principal,
    after: string,
    limit: number,
  ): Promise<readonly Sanction[]> {
    return this.#sanctionCalls.list(name, kind, who, after, limit);
  }

  refuseBanned(name: string, who: Principal): Promise<void> {
    return this.#sanctionCalls.refuseBanned(name, who);
  }

  describe(name: string): Promise<RoomInfo | undefined> {
    return this.#calls.describe(name);
  }

  history(name: string, query: HistoryQuery, isUndelayed = false): Promise<HistoryPage | undefined> {
    return this.#calls.history(name, query, isUndelayed);
  }

  list(
    after: string,
    limit: number,
  ): Promise<{ readonly rooms: readonly RoomInfo[]; readonly next?: string }> {
    return this.#calls.list(after, limit);
  }

  /** One entry of the broadcast ring. @hot bench/fanout.ts */
  #entry(now: number): void {
    const { broadcast, gateway, incarnation } = this.#context;
    const { words, index } = broadcast;
    const word = index >> 2;
    const word0 = words[word] as number;
    const kind = word0 & 0xff;
    const isMine = words[word + 3] === gateway && ((word0 >>> 8) & 0xff) === incarnation;
    const position = this.#positions.absolute(broadcast.position);
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
        const { number, deliverAt, asked } = readScheduled(broadcast);
        this.#publishing.pending.scheduled(words[word + 1] as number, number, deliverAt, position, asked);
        return;
      }
      case BroadcastKind.delivered:
        this.#messages.scheduledAcks.delivered(
          words[word + 1] as number,
          readRepeat(broadcast).offset,
          position,
        );
        return;
      case BroadcastKind.unscheduled:
        if (isMine) this.#publishing.pending.sequenced(words[word + 1] as number, 0, 0, position);
        this.#messages.unscheduled(words[word + SCHEDULED_NUMBER] as number);
        return;
      case BroadcastKind.sanction:
        if (isMine) this.#publishing.pending.sequenced(words[word + 1] as number, 0, 0, position);
        this.#sanctions.changed(readSanction(broadcast, index));
        return;
      case BroadcastKind.sanctionTold:
        if (isMine) this.#sanctions.told(words[word + 1] as number, readSanction(broadcast, index));
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

  #advanceDurable(now: number): void {
    if (!this.#positions.advance()) return;
    const { durable } = this.#positions;
    this.#publishing.pending.durable(durable, now);
    this.#messages.durable(durable);
    this.#held.durable(now);
    this.#control.flush();
    this.#positions.release();
  }
}

const REFUSALS: Readonly<Partial<Record<string, string>>> = {
  not_found: "no such room",
  overloaded: "this node holds as many rooms as it may",
};
