/**
 * Brings rooms to the point where new entries may be read: makes the group, takes over what is pending. Also looks at
 * every room now and then, for doorbells that were missed and for entries that somebody left pending.
 */
import { offsetOfId, type ServedRoom, type StreamEntry } from "../adapters/redis/index.ts";
import { backoffMs } from "./backoff.ts";
import type { DispatchRoom } from "./dispatch-room.ts";
import { ATTACH_PARALLEL_MAX, CLAIM_IDLE_MS, READ_COUNT, ROOM_AHEAD_MAX } from "./limits.ts";
import { Company, type QueuedEntry, queueEntry } from "./queued-entry.ts";
import { reasonOf, type WorkerContext } from "./worker-context.ts";

export class RoomAttacher {
  readonly #context: WorkerContext;
  #underWay = 0;
  #failures = 0;
  #isStopped = false;

  constructor(context: WorkerContext) {
    this.#context = context;
  }

  /** Works until `stop`. */
  async run(): Promise<void> {
    const { desk, store, random } = this.#context;
    while (!this.#isStopped) {
      if (this.#failures > 0 || !store.isReady)
        await Bun.sleep(backoffMs(Math.max(1, this.#failures), random(), 2_000));
      if (store.isReady) this.#startSome();
      await desk.attachWanted.sleep(500);
    }
  }

  stop(): void {
    this.#isStopped = true;
    this.#context.desk.attachWanted.wake();
  }

  #startSome(): void {
    const { holds, desk } = this.#context;
    const { toAttach, attachWanted } = desk;
    for (const room of toAttach) {
      if (this.#underWay >= ATTACH_PARALLEL_MAX) return;
      // Its lease is prolonged soon, or it is let go of.
      if (!holds(room)) continue;
      toAttach.delete(room);
      this.#underWay++;
      this.#attach(room)
        .then(() => {
          this.#failures = 0;
        })
        .catch((error) => this.#failed(room, error))
        .finally(() => {
          this.#underWay--;
          if (toAttach.size > 0) attachWanted.wake();
        });
    }
  }

  #failed(room: DispatchRoom, error: unknown): void {
    const { desk, log } = this.#context;
    if (this.#failures++ === 0)
      log.warn({ room: room.name, reason: reasonOf(error) }, "a room cannot be attached");
    if (!room.isLeft) desk.toAttach.add(room);
  }

  async #attach(room: DispatchRoom): Promise<void> {
    const { store, desk, onFenced } = this.#context;
    if (room.isLeft) return;
    const { claimsAsked } = room;
    const attached = await store.attach(room.name, room.token);
    if (room.isLeft) return;
    // Attached again by then, and that has to see what is pending now.
    if (room.claimsAsked !== claimsAsked) return void desk.attach(room);
    if (attached.status === "fenced") return onFenced(room);
    if (attached.status === "gone") {
      desk.remove(room);
      return await store.forgetRoom(room.slot, room.name);
    }
    this.#noteEpoch(room, attached);
    room.isTryNoted = attached.trying !== undefined;
    // Idle time 0 = whatever is pending may be ours without our knowing; else only what is more than we have.
    const known = room.claimIdleMs === 0 ? 0 : room.queue.length;
    if (attached.pending > known) {
      if (room.phase === "new") room.phase = "claiming";
      await this.#claim(room, attached.trying);
    } else this.#claimed(room);
    if (attached.hasNew) room.isDue = true;
    desk.refresh(room);
  }

  /** Entries that were read before are of the epoch before, unless Redis says where the new one began. */
  #noteEpoch(room: DispatchRoom, { epoch, epochFrom, epochBefore }: ServedRoom): void {
    if (room.epoch === "") room.beginEpoch(epoch, epochFrom, epochBefore);
    else if (epoch !== "") room.beginEpoch(epoch, epochFrom < 0 ? room.lastOffset : epochFrom);
  }

  /** Takes over page after page, no more than may wait; the rest when those are done with. */
  async #claim(
    room: DispatchRoom,
    trying?: { readonly offset: number; readonly tries: number },
  ): Promise<void> {
    const { store, desk, metrics, log } = this.#context;
    const { claimsAsked } = room;
    do {
      const { claimCursor, claimIdleMs } = room;
      const { entries, trimmed, cursor } = await store.claim(room.name, claimCursor, claimIdleMs, READ_COUNT);
      if (room.isLeft || room.claimsAsked !== claimsAsked) return;
      const added = desk.receive(room, this.#queue(room, entries, trying), true);
      metrics.claimed.inc(added);
      metrics.trimmed.inc(trimmed);
      if (trimmed > 0) {
        log.error({ room: room.name, count: trimmed }, "entries were trimmed before a sink had them");
      }
      room.claimCursor = cursor;
    } while (room.claimCursor !== "0-0" && room.queue.length < ROOM_AHEAD_MAX);
    if (room.claimCursor === "0-0") this.#claimed(room);
  }

  #claimed(room: DispatchRoom): void {
    room.claimCursor = "0-0";
    room.claimIdleMs = CLAIM_IDLE_MS;
    room.phase = "ready";
  }

  #queue(
    room: DispatchRoom,
    entries: readonly StreamEntry[],
    trying: { readonly offset: number; readonly tries: number } | undefined,
  ): QueuedEntry[] {
    const now = this.#context.now();
    const queued: QueuedEntry[] = [];
    for (const { id, fields } of entries) {
      if (fields === null) continue;
      const entry = queueEntry(room.name, room.epochOf(offsetOfId(id)), id, fields, now);
      // Whoever had it may have died of it.
      entry.tries = trying?.offset === entry.offset ? trying.tries + 1 : 1;
      if (trying !== undefined) entry.company = Company.none;
      queued.push(entry);
    }
    return queued;
  }
}
