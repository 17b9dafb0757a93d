/**
 * Moves cursors: from the room's window to every live viewer, and from the log to those who are behind. Every viewer is
 * a cursor; nothing is queued for anybody.
 */
import {
  CLASS_MUST_DELIVER,
  danmakuClass,
  RECORD_TYPES,
  recordOffset,
  recordStride,
  recordType,
} from "@danmakud/wire";
import { DueRooms } from "./due-rooms.ts";
import type { FrameRenderer } from "./frame-renderer.ts";
import type { GatewayContext } from "./gateway-context.ts";
import type { ViewerId } from "./hub.ts";
import { ROOM_LIMITS } from "./limits.ts";
import { METRICS } from "./metrics.ts";
import { Pacing } from "./pacing.ts";
import { hasLeftOut, ShownWriter } from "./shown-writer.ts";
import { SkipWriter, skipBytesMax } from "./skip-writer.ts";
import { TLV, ViewerState, type ViewerTable } from "./viewer-table.ts";
import type { ViewerWatch } from "./viewer-watch.ts";
import type { WatchedRoom } from "./watched-room.ts";
import { WindowFrames } from "./window-frames.ts";

/** Kept for the next passes; more large rooms at once than these are rare. */
const SPARE_FRAMES_MAX = 16;

export class Delivery {
  readonly #context: GatewayContext;
  readonly #table: ViewerTable;
  readonly #watch: ViewerWatch;
  readonly #pacing: Pacing;
  readonly #renderer: FrameRenderer;
  /** Frames that are slices of a window, or for one viewer: valid within a stretch of a pass. */
  readonly #frames: WindowFrames;
  /** For rooms whose viewers get text or compressed frames, which are made once for a pass or a good part of it. */
  readonly #spareFrames: WindowFrames[] = [];
  readonly #due: DueRooms;
  /** Rooms with viewers that read from the log. */
  readonly #behind = new Set<WatchedRoom>();
  /** Sockets that have room again, in the order in which they said so; those gone meanwhile are in another state. */
  readonly #drained: ViewerId[] = [];
  /** What this turn has tried to send so far. */
  #sent = 0;
  #turnBytes = 0;
  /** What was sent and is not counted yet. */
  #sentFrames = 0;
  #sentBytes = 0;
  #sentRecords = 0;
  readonly #shown = new ShownWriter();
  #skipScratch = new Uint8Array(0);

  constructor(context: GatewayContext, table: ViewerTable, renderer: FrameRenderer, watch: ViewerWatch) {
    this.#renderer = renderer;
    this.#pacing = new Pacing({ latencyTargetMs: context.latencyTargetMs });
    this.#due = new DueRooms(this.#pacing);
    this.#frames = new WindowFrames(renderer, false);
    this.#context = context;
    this.#table = table;
    this.#watch = watch;
  }

  /** The room has a new record. @hot bench/fanout.ts */
  appended(room: WatchedRoom, now: number): void {
    this.#due.appended(room, now);
  }

  /**
   * Sends what is due, as much as a turn may, a part of each room in turn. Returns whether more is due at once.
   * @hot bench/fanout.ts, bench/isolation.ts
   */
  turn(durable: number): boolean {
    this.#sent = 0;
    this.#turnBytes = 0;
    const { clock } = this.#context;
    const now = clock.monotonic();
    this.#resumeDrained();
    this.#spareHalf();
    this.#due.releaseGaps(now);
    let left = this.#due.count;
    // A room that came just now stands behind a large one, which must not use up the turn before it.
    const share = left > 1 ? 0.5 : 1;
    for (const room of this.#due.rooms) {
      if (left-- === 0 || this.#isSpent(1)) break;
      if (!this.#due.isReady(room, now)) continue;
      const sentBefore = this.#sent;
      const startedAt = clock.monotonic();
      this.#pass(room, now, share);
      this.#pacing.observe(this.#sent - sentBefore, clock.monotonic() - startedAt);
      // To the end of the line, so that the next turn begins with the others; the count above ends this loop.
      if (room.passAt > 0) this.#due.moveBack(room);
    }
    const waiting = this.#catchUp(durable);
    this.#count();
    return waiting || this.#drained.length > 0 || this.#due.nextAt() <= now;
  }

  /** Whether this share of what a turn may send is used up. */
  #isSpent(share: number): boolean {
    return (
      this.#sent >= ROOM_LIMITS.sendsPerTurnMax * share ||
      this.#turnBytes >= ROOM_LIMITS.sendBytesPerTurnMax * share
    );
  }

  /** The live viewers have half of the turn, also where the last socket with room again was owed more than was left of its half. */
  #spareHalf(): void {
    this.#sent = Math.min(this.#sent, ROOM_LIMITS.sendsPerTurnMax / 2);
    this.#turnBytes = Math.min(this.#turnBytes, ROOM_LIMITS.sendBytesPerTurnMax / 2);
  }

  /** Adds up what was sent since the last turn: shared counters would cost a few lookups per send. */
  #count(): void {
    if (this.#sentFrames === 0) return;
    const { counters } = this.#context;
    counters.add(METRICS.frames, this.#sentFrames);
    counters.add(METRICS.frameBytes, this.#sentBytes);
    counters.add(METRICS.deliveries, this.#sentRecords);
    this.#sentFrames = 0;
    this.#sentBytes = 0;
    this.#sentRecords = 0;
  }

  /** When the next room is due, monotonic ms; infinite where none is. */
  nextDueAt(): number {
    return this.#due.nextAt();
  }

  /** Starts a viewer at its cursor (negative: that many records back from the head). Its hello has been sent. */
  start(room: WatchedRoom, viewer: ViewerId): void {
    this.#resume(room, viewer);
  }

  /**
   * A socket has room again; it is sent on with the next turn. Not at once: a thousand sockets may say so in one turn of
   * the event loop, each of them owed a window full.
   */
  drained(viewer: ViewerId): void {
    const room = this.#table.rooms[viewer];
    if (room === undefined || this.#table.state[viewer] !== ViewerState.blocked) return;
    room.setState(this.#table, viewer, ViewerState.drained);
    if (this.#drained.push(viewer) === 1) this.#context.wakeSelf();
  }

  /** Goes on with sockets that have room again. They may use half of the turn: the live ones want the other. */
  #resumeDrained(): void {
    let done = 0;
    while (done < this.#drained.length && !this.#isSpent(0.5)) {
      const viewer = this.#drained[done++] as ViewerId;
      const room = this.#table.rooms[viewer];
      if (room !== undefined && this.#table.state[viewer] === ViewerState.drained) this.#resume(room, viewer);
    }
    if (done === 0) return;
    this.#drained.copyWithin(0, done);
    this.#drained.length -= done;
  }

  /** The viewer or the room is gone. */
  forget(room: WatchedRoom): void {
    if (room.live === 0) {
      this.#due.forget(room);
      this.#endFrames(room);
    }
    if (room.behind.size === 0) this.#behind.delete(room);
  }

  /** One stretch of a room's pass over its live viewers: as far as this share of a turn, or the rest of it, goes. */
  #pass(room: WatchedRoom, now: number, share: number): void {
    const { viewers, window } = room;
    const table = this.#table;
    const sendsMax = Math.min(ROOM_LIMITS.sendsPerTurnMax, this.#sent + ROOM_LIMITS.sendsPerTurnMax * share);
    const bytesMax = this.#turnBytes + ROOM_LIMITS.sendBytesPerTurnMax * share;
    this.#frames.begin(window);
    if (room.passAt === 0) this.#due.begin(room, now);
    if (room.passIsForAll) this.#touch(room, sendsMax - this.#sent);
    let looks = ROOM_LIMITS.sendersLookedMax;
    while (room.passAt > 0 && looks > 0 && this.#sent < sendsMax && this.#turnBytes < bytesMax) {
      if (room.passAt > room.live) room.passAt = room.live;
      if (room.passAt === 0) break;
      const viewer = viewers[--room.passAt] as ViewerId;
      const cursor = table.cursor[viewer] as number;
      if (cursor >= window.head) continue;
      if (room.passIsForAll || window.mayHaveLeftOut(table.uidHash[viewer] as number, cursor)) {
        this.#flow(room, viewer, table.encoding[viewer] === TLV ? this.#frames : this.#passFrames(room));
      } else looks--;
    }
    if (room.passAt > 0) return;
    this.#due.end(room, this.#context.clock.monotonic());
    this.#endFrames(room);
  }

  /** Has the sinks of the pass's next `count` viewers brought into the processor's caches. @hot bench/fanout.ts */
  #touch(room: WatchedRoom, count: number): void {
    const { viewers, passAt } = room;
    const { sinks } = this.#table;
    const end = Math.max(0, passAt - count);
    for (let at = passAt - 1; at >= end; at--) sinks[viewers[at] as ViewerId]?.touch?.();
  }

  /**
   * Frames that are made, not cut: for the whole pass, whatever comes meanwhile, or anew for so many viewers that making them
   * costs little beside sending them. @hot bench/fanout.ts
   */
  #passFrames(room: WatchedRoom): WindowFrames {
    room.passFrames ??= this.#spareFrames.pop() ?? new WindowFrames(this.#renderer, true);
    const frames = room.passFrames;
    if (!frames.isOf(room.window) || frames.uses >= ROOM_LIMITS.rendersForMin) frames.begin(room.window);
    return frames;
  }

  #endFrames(room: WatchedRoom): void {
    if (room.passFrames === undefined) return;
    room.passFrames.end();
    if (this.#spareFrames.length < SPARE_FRAMES_MAX) this.#spareFrames.push(room.passFrames);
    room.passFrames = undefined;
  }

  /** Sends a live viewer all that the frames' part of the window has for it. @hot bench/fanout.ts */
  #flow(room: WatchedRoom, viewer: ViewerId, frames: WindowFrames): void {
    const table = this.#table;
    const { window } = room;
    const encoding = table.encoding[viewer] as number;
    let cursor = table.cursor[viewer] as number;
    // A gap at the end goes with what follows it; where there is nothing else, it is time for it.
    const goal = cursor < frames.lastShown ? frames.lastShown : frames.head;
    while (cursor < goal) {
      if (cursor < window.first - 1) {
        this.#fellBehind(room, viewer);
        return;
      }
      const frame = window.mayHaveLeftOut(table.uidHash[viewer] as number, cursor)
        ? frames.getOwn(window, cursor, encoding, room.epoch, this.#uidOf(viewer))
        : frames.get(window, cursor, encoding, room.epoch);
      const { next, count } = frames;
      const taken = this.#send(viewer, frame, count);
      if (taken !== 0) {
        cursor = next;
        table.cursor[viewer] = cursor;
      }
      if (taken <= 0) {
        this.#block(room, viewer);
        return;
      }
    }
  }

  /** Decides what a viewer with room in its socket does next. */
  #resume(room: WatchedRoom, viewer: ViewerId): void {
    const cursor = this.#table.cursor[viewer] as number;
    if (cursor >= room.window.first - 1) {
      this.#goLive(room, viewer);
      return;
    }
    this.#fellBehind(room, viewer);
  }

  #goLive(room: WatchedRoom, viewer: ViewerId): void {
    this.#table.recovering[viewer] = 0;
    room.setState(this.#table, viewer, ViewerState.live);
    if (room.behind.size === 0) this.#behind.delete(room);
    this.#frames.begin(room.window);
    this.#flow(room, viewer, this.#frames);
    const isWhole = (this.#table.cursor[viewer] as number) >= room.window.head;
    if (!isWhole && room.live > 0) this.#due.holdGap(room, this.#context.clock.monotonic());
  }

  /**
   * What the viewer needs next is no longer in the window. Those who are owed everything read the log; others skip, but
   * not the records that must be delivered: those are kept beside the window, and where even that does not reach back
   * far enough, come from the log.
   */
  #fellBehind(room: WatchedRoom, viewer: ViewerId): void {
    const cursor = this.#table.cursor[viewer] as number;
    if (this.#table.recovering[viewer] === 0 && room.window.mustDeliverFloor <= cursor) {
      this.#skip(room, viewer, cursor);
      return;
    }
    room.setState(this.#table, viewer, ViewerState.behind);
    this.#behind.add(room);
    this.#context.wakeSelf();
  }

  /** Gaps up to the window, around the records that are sent all the same. */
  #skip(room: WatchedRoom, viewer: ViewerId, cursor: number): void {
    const { window } = room;
    const kept = [...window.mustDeliver(cursor, window.first)];
    const writer = this.#skipWriter(
      cursor,
      kept.reduce((sum, record) => sum + record.bytes.length, 0),
      kept.length,
    );
    for (const record of kept) writer.record(record.bytes, 0, record.bytes.length, record.offset);
    this.#deliverSkip(room, viewer, writer, window.first - 1);
  }

  #deliverSkip(room: WatchedRoom, viewer: ViewerId, writer: SkipWriter, through: number): void {
    writer.close(through);
    this.#context.counters.add(METRICS.skipped, writer.skipped);
    const encoding = this.#table.encoding[viewer] as number;
    const frame = this.#renderer.render(writer.bytes, 0, writer.end, encoding, room.epoch);
    this.#afterLog(room, viewer, this.#send(viewer, frame, writer.records), through);
  }

  #skipWriter(after: number, bytes: number, records: number): SkipWriter {
    const needed = skipBytesMax(bytes, records);
    if (this.#skipScratch.length < needed) this.#skipScratch = new Uint8Array(needed);
    return new SkipWriter(this.#skipScratch, after);
  }

  /** A page for each viewer that is behind, as far as the turn's sends reach. Returns whether any could go on at once. */
  #catchUp(durable: number): boolean {
    let more = false;
    for (const room of this.#behind) {
      if (room.behind.size === 0) this.#behind.delete(room);
      // Nothing may be called lost that is merely not on disk yet.
      if (durable < room.window.evictedPosition) continue;
      let left = Math.min(room.behind.size, ROOM_LIMITS.pagesPerTurnMax);
      for (const viewer of room.behind) {
        if (left-- === 0) break;
        if (this.#isSpent(1)) return true;
        // To the end of the line; the count above keeps this loop from meeting it again.
        room.behind.delete(viewer);
        room.behind.add(viewer);
        let isHere = true;
        try {
          isHere = this.#page(room, viewer);
        } catch (cause) {
          this.#context.report(`history of room ${room.name} cannot be read`, cause);
          room.setState(this.#table, viewer, ViewerState.blocked);
          this.#table.sinks[viewer]?.close(1011, "history cannot be read");
        }
        more ||= isHere && this.#table.state[viewer] === ViewerState.behind;
      }
    }
    return more;
  }

  /** False where the log has to fetch it first. */
  #page(room: WatchedRoom, viewer: ViewerId): boolean {
    const { log, wakeSelf } = this.#context;
    const table = this.#table;
    if (!this.#warm(room)) return false;
    const { window } = room;
    let cursor: number | undefined = table.cursor[viewer] as number;
    if (cursor < 0) cursor = this.#lastPosition(room, -cursor);
    if (cursor === undefined) return false;
    const through = window.first - 1;
    if (cursor >= through) {
      table.cursor[viewer] = cursor;
      this.#goLive(room, viewer);
      return true;
    }
    table.cursor[viewer] = cursor;
    const limits = { recordsMax: ROOM_LIMITS.pageRecordsMax, bytesMax: ROOM_LIMITS.pageBytesMax };
    const page = log.read(room.name, cursor, through, limits, wakeSelf);
    if (page === undefined) return false;
    if (page.next <= cursor) throw new Error(`the log of ${room.name} does not go on after ${cursor}`);
    if (table.recovering[viewer] === 0) {
      const writer = this.#skipWriter(cursor, page.bytes.length, page.count);
      for (let at = 0; at < page.bytes.length; at += recordStride(page.bytes, at)) {
        if (
          recordType(page.bytes, at) !== RECORD_TYPES.danmaku ||
          danmakuClass(page.bytes, at) < CLASS_MUST_DELIVER
        )
          continue;
        writer.record(page.bytes, at, recordStride(page.bytes, at), recordOffset(page.bytes, at));
      }
      this.#deliverSkip(room, viewer, writer, page.next);
      return true;
    }
    if (page.bytes.length === 0) {
      table.cursor[viewer] = page.next;
      return true;
    }
    const { bytes, leftOut } = this.#shownOf(page.bytes, this.#uidOf(viewer));
    const frame = this.#renderer.render(bytes, 0, bytes.length, table.encoding[viewer] as number, room.epoch);
    this.#afterLog(room, viewer, this.#send(viewer, frame, page.count - leftOut), page.next);
    return true;
  }

  /** What a viewer sees of a page from the log, which other viewers may be given too. */
  #shownOf(page: Uint8Array, uid: string): { readonly bytes: Uint8Array; readonly leftOut: number } {
    if (!hasLeftOut(page, 0, page.length)) return { bytes: page, leftOut: 0 };
    const bytes = page.slice();
    const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2);
    this.#shown.begin(words, bytes, 0);
    this.#shown.add(words, bytes, 0, bytes.length, uid);
    this.#shown.finish();
    return { bytes: bytes.subarray(0, this.#shown.end), leftOut: this.#shown.leftOut };
  }

  #uidOf(viewer: ViewerId): string {
    return this.#table.principals[viewer]?.uid ?? "";
  }

  /** Where a viewer that asked for the last `records` begins; undefined where the log has to find out first. */
  #lastPosition(room: WatchedRoom, records: number): number | undefined {
    const { window } = room;
    if (window.count >= records) return window.positionOfLast(records);
    const { log, wakeSelf } = this.#context;
    return log.positionOfLast(room.name, records - window.count, window.first - 1, wakeSelf);
  }

  /** Moves the cursor after a frame from outside the window, and decides how to go on. */
  #afterLog(room: WatchedRoom, viewer: ViewerId, taken: number, next: number): void {
    if (taken !== 0) this.#table.cursor[viewer] = next;
    if (taken <= 0) this.#block(room, viewer);
    else this.#resume(room, viewer);
  }

  /**
   * Fills a young window with the newest records of the log, so that joins with history need not read it each time. False
   * where the log has to fetch them first.
   */
  #warm(room: WatchedRoom): boolean {
    if (room.warmed) return true;
    const { log, wakeSelf } = this.#context;
    const through = room.window.first - 1;
    const after = log.positionOfLast(room.name, ROOM_LIMITS.windowWarmRecords, through, wakeSelf);
    if (after === undefined) return false;
    const limits = { recordsMax: ROOM_LIMITS.windowWarmRecords, bytesMax: ROOM_LIMITS.windowBytesMax / 2 };
    const page = log.read(room.name, after, through, limits, wakeSelf);
    if (page === undefined) return false;
    room.warmed = true;
    const { bytes, next } = page;
    if (next !== through) return true;
    // Only the unbroken run up to the window counts: offsets within a window are consecutive.
    let from = 0;
    let first = 0;
    let count = 0;
    for (let at = 0; at < bytes.length; at += recordStride(bytes, at)) {
      const isGap = recordType(bytes, at) === RECORD_TYPES.gap;
      if (isGap) {
        from = at + recordStride(bytes, at);
        count = 0;
      } else if (count++ === 0) first = recordOffset(bytes, at);
    }
    if (count > 0 && first + count - 1 === through) room.window.prepend(bytes.subarray(from), first, count);
    return true;
  }

  #send(viewer: ViewerId, frame: Uint8Array | string, records: number): number {
    this.#sent++;
    this.#turnBytes += frame.length;
    const taken = this.#write(viewer, frame);
    if (taken === 0) {
      this.#context.counters.add(METRICS.drops, 1);
    } else {
      this.#sentFrames++;
      this.#sentBytes += frame.length;
      this.#sentRecords += records;
    }
    return taken;
  }

  #write(viewer: ViewerId, frame: Uint8Array | string): number {
    const sink = this.#table.sinks[viewer];
    if (sink === undefined) return 0;
    if (this.#table.pingOwed[viewer] === 0 || sink.sendWithPing === undefined) return sink.send(frame);
    this.#table.pingOwed[viewer] = 0;
    this.#table.askedAt[viewer] = this.#context.clock.monotonic();
    return sink.sendWithPing(frame);
  }

  #block(room: WatchedRoom, viewer: ViewerId): void {
    room.setState(this.#table, viewer, ViewerState.blocked);
    if (room.behind.size === 0) this.#behind.delete(room);
    this.#watch.blocked(viewer, this.#context.clock.monotonic());
  }
}
