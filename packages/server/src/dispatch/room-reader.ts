/** Reads new entries of the rooms that may have some, as fast as the sinks take them. */
import { offsetOfId, type ReadReply } from "../adapters/redis/index.ts";
import { backoffMs } from "./backoff.ts";
import type { DispatchRoom } from "./dispatch-room.ts";
import { BLOCK_MS, GATHER_ENTRIES, GATHER_MS, READ_COUNT, READ_ROOMS_MAX, SINK_WAIT_MS } from "./limits.ts";
import { type QueuedEntry, queueEntry } from "./queued-entry.ts";
import { reasonOf, type WorkerContext } from "./worker-context.ts";

export class RoomReader {
  readonly #context: WorkerContext;
  #underWay = 0;
  #isWaiting = false;
  #failures = 0;
  /** Rooms that were due when the round of reads began, and are still. */
  #leftOfRound = 0;
  #isStopped = false;

  constructor(context: WorkerContext) {
    this.#context = context;
    context.desk.onDue = () => this.#endWait();
  }

  /** Works until `stop`, and until the reads that are under way have come back. */
  async run(): Promise<void> {
    const { desk, store, random } = this.#context;
    while (!this.#isStopped || this.#underWay > 0) {
      if (this.#isStopped || desk.isFull || !store.isReady) {
        await desk.readWanted.sleep(50);
        continue;
      }
      if (!this.#context.desk.hasBacklog && !desk.isSinkFree()) {
        await this.#untilSinkFree();
        if (this.#isStopped) continue;
      }
      const failures = this.#failures;
      if (store.readsMany) await this.#readMany();
      else await this.#readEach();
      if (this.#failures > failures) await Bun.sleep(backoffMs(this.#failures, random(), 2_000));
    }
  }

  stop(): void {
    this.#isStopped = true;
    this.interrupt();
    this.#context.desk.readWanted.wake();
    this.#context.desk.sinkFree.wake();
  }

  /** Ends a wait for new entries, e.g. since one of the rooms is to be given to another worker. */
  interrupt(): void {
    this.#endWait();
  }

  /** Many rooms per command; waits for something where nothing is known to be there. */
  async #readMany(): Promise<void> {
    const { desk } = this.#context;
    let rooms = this.#takeDue(READ_ROOMS_MAX);
    const isWait = rooms.length === 0;
    if (isWait) rooms = desk.takeRecent();
    if (rooms.length === 0) return await desk.readWanted.sleep(BLOCK_MS);
    const { now } = this.#context;
    const beganAtMs = now();
    this.#isWaiting = isWait;
    await this.#read(rooms, isWait ? BLOCK_MS : 0);
    this.#isWaiting = false;
    const restMs = GATHER_MS - (now() - beganAtMs);
    if (!desk.hasBacklog && this.#leftOfRound === 0 && restMs > 0) await Bun.sleep(Math.ceil(restMs));
  }

  /** Until a sink can take what would be read, or it takes too long. */
  async #untilSinkFree(): Promise<void> {
    const { desk, now } = this.#context;
    const deadline = now() + SINK_WAIT_MS;
    for (;;) {
      const restMs = deadline - now();
      if (this.#isStopped || restMs <= 0 || desk.isSinkFree()) return;
      await desk.sinkFree.sleep(restMs);
    }
  }

  /** One room per command, several commands under way. */
  async #readEach(): Promise<void> {
    const { desk } = this.#context;
    for (const room of this.#takeDue(READ_ROOMS_MAX - this.#underWay)) {
      this.#read([room], 0).finally(() => desk.readWanted.wake());
    }
    if (!desk.hasBacklog && this.#leftOfRound === 0) await Bun.sleep(GATHER_MS);
    await desk.readWanted.sleep(BLOCK_MS);
  }

  /** More rooms than fit into a read are read in a round; what they have is gathered between rounds, not within one. */
  #takeDue(max: number): readonly DispatchRoom[] {
    const { desk } = this.#context;
    if (this.#leftOfRound === 0) this.#leftOfRound = desk.dueRooms;
    const rooms = desk.takeDue(max);
    // Some may have become due meanwhile, and been taken in their place; others may have been let go of.
    this.#leftOfRound = Math.min(Math.max(0, this.#leftOfRound - rooms.length), desk.dueRooms);
    return rooms;
  }

  async #read(rooms: readonly DispatchRoom[], blockMs: number): Promise<void> {
    const { store, desk, log } = this.#context;
    const served = rooms.filter((room) => {
      const isServed = room.phase === "ready" && this.#context.holds(room);
      // The others are read when their leases are prolonged, if they are.
      if (!isServed) room.isDue = true;
      return isServed;
    });
    this.#underWay++;
    try {
      if (served.length === 0) {
        this.#context.desk.hasBacklog = false;
        return;
      }
      const reply = await store.read(
        served.map(({ name }) => name),
        READ_COUNT,
        blockMs,
      );
      this.#failures = 0;
      this.#take(served, reply);
    } catch (error) {
      if (this.#failures++ === 0) log.warn({ reason: reasonOf(error) }, "reading failed");
      // Redis may have given us entries in a reply that never came: they are ours, pending, and to be claimed.
      for (const room of served) this.#startAgain(room);
    } finally {
      this.#underWay--;
      for (const room of rooms) desk.readDone(room);
    }
  }

  #startAgain(room: DispatchRoom): void {
    room.askClaim();
    this.#context.desk.attach(room);
  }

  #take(rooms: readonly DispatchRoom[], reply: ReadReply): void {
    const { desk, metrics, holds, now, wallClock } = this.#context;
    const byName = new Map(rooms.map((room) => [room.name, room]));
    const readAtMs = now();
    let count = 0;
    let isAnyFull = false;
    for (const [name, entries] of reply.rooms) {
      const room = byName.get(name);
      if (room === undefined || room.isLeft) continue;
      if (!holds(room)) {
        // Read when the lease had just run out: the next owner finds them pending, or we do, should it be prolonged.
        this.#startAgain(room);
        continue;
      }
      const queued: QueuedEntry[] = [];
      for (const { id, fields } of entries) {
        if (fields === null) continue;
        const offset = offsetOfId(id);
        const entry = queueEntry(name, room.epochOf(offset), id, fields, readAtMs);
        if (entry.newEpoch !== undefined) room.beginEpoch(entry.newEpoch, offset - 1);
        queued.push(entry);
      }
      count += entries.length;
      if (entries.length >= READ_COUNT) room.isDue = isAnyFull = true;
      const first = queued[0]?.entry;
      if (first !== undefined && typeof first !== "string") metrics.noteAge(wallClock() - first.ts);
      desk.receive(room, queued, false);
      metrics.read.inc(queued.length);
    }
    this.#context.desk.hasBacklog = isAnyFull || count >= GATHER_ENTRIES;
    if (reply.withoutGroup.length === 0) return;
    for (const name of reply.withoutGroup) {
      const room = byName.get(name);
      if (room !== undefined) desk.startOver(room);
    }
    // The command failed as a whole, so the others were not read.
    for (const room of rooms) room.isDue = true;
  }

  #endWait(): void {
    if (!this.#isWaiting) return;
    this.#isWaiting = false;
    void this.#context.store.stopWaiting();
  }
}
