/**
 * A dispatch worker: takes its share of the slots, reads the rooms in them as a consumer of the group, and brings what
 * it reads to the sinks. Joins the parts; each does its own work until it is stopped.
 */
import { edenGC, fullGC } from "bun:jsc";
import { DispatchStore, type RedisAddress, slotOf } from "../adapters/redis/index.ts";
import { backoffMs } from "./backoff.ts";
import { Delivery } from "./delivery.ts";
import { DispatchRoom } from "./dispatch-room.ts";
import { Leases } from "./leases.ts";
import { GIVE_BACK_MS, ROOMS_MAX, STOP_MS, SWEEP_MS, SWEEP_ROOMS_PER_TICK, TICK_MS } from "./limits.ts";
import { DispatchMetrics } from "./metrics.ts";
import { QuietCollector } from "./quiet-collector.ts";
import { RoomAttacher } from "./room-attacher.ts";
import { RoomDesk } from "./room-desk.ts";
import { RoomReader } from "./room-reader.ts";
import type { Sink, SinkLogger } from "./sink.ts";
import { SlotScanner } from "./slot-scanner.ts";
import { reasonOf, type WorkerContext } from "./worker-context.ts";

export interface WorkerOptions {
  readonly worker: string;
  readonly address: RedisAddress;
  readonly sinks: readonly Sink[];
  readonly concurrency: number;
  readonly log: SinkLogger;
}

interface Slot {
  readonly token: string;
  readonly rooms: Set<DispatchRoom>;
  /** When it was first asked whether it can be given back. */
  leavingSinceMs?: number;
}

export class DispatchWorker {
  readonly metrics: DispatchMetrics;
  readonly #options: WorkerOptions;
  readonly #store: DispatchStore;
  readonly #desk = new RoomDesk();
  readonly #slots = new Map<number, Slot>();
  readonly #leases: Leases;
  readonly #scanner: SlotScanner;
  readonly #attacher: RoomAttacher;
  readonly #reader: RoomReader;
  readonly #delivery: Delivery;
  #sweepAt = 0;
  #redisErrorsTold = 0;
  #isRescanDue = false;
  #isStopped = false;
  #loops: Promise<unknown> = Promise.resolve();

  constructor(options: WorkerOptions) {
    const { worker, address, log } = options;
    this.#options = options;
    this.#store = new DispatchStore({
      address,
      worker,
      onError: (error) => this.#noteRedisError(error),
      onState: (isReady) => this.#noteRedisState(isReady),
      onSubscriberChange: () => {
        this.#isRescanDue = true;
      },
      onBell: (room) => this.#bell(room),
    });
    this.metrics = new DispatchMetrics(() => ({
      slots: this.#leases.slots,
      rooms: this.#desk.rooms.size,
      queued: this.#desk.queuedEntries,
      workers: this.#leases.workers,
      isRedisReady: this.#store.isReady,
      isSinkAway: this.#delivery.isAway,
    }));
    const now = () => performance.now();
    const random = Math.random;
    this.#leases = new Leases({
      store: this.#store,
      worker,
      now,
      onGained: (slot, token) => this.#gained(slot, token),
      onGone: (slot, isLost) => this.#gone(slot, isLost),
      isIdle: (slot) => this.#isIdle(slot),
      log,
    });
    const context: WorkerContext = {
      worker,
      store: this.#store,
      desk: this.#desk,
      metrics: this.metrics,
      log,
      now,
      wallClock: Date.now,
      random,
      collector: new QuietCollector({ young: edenGC, all: fullGC }),
      holds: (room) => this.#leases.holds(room.slot, room.token),
      onFenced: (room) => this.#leases.lose(room.slot),
    };
    this.#desk.mayRead = (room) => !this.#leases.isLeaving(room.slot);
    this.#scanner = new SlotScanner({
      store: this.#store,
      isHeld: (slot) => this.#slots.has(slot),
      onRoom: (slot, room) => this.#meet(slot, room),
      log,
      random,
    });
    this.#attacher = new RoomAttacher(context);
    this.#reader = new RoomReader(context);
    this.#delivery = new Delivery(context, options.sinks, options.concurrency);
  }

  /** It has its share of the slots, and knows their rooms. */
  get isReady(): boolean {
    return this.#store.isReady && this.#leases.isSettled && this.#scanner.isDone;
  }

  get isRedisReady(): boolean {
    return this.#store.isReady;
  }

  start(): void {
    this.#loops = Promise.all([
      this.#tickLoop(),
      this.#scanner.run(),
      this.#attacher.run(),
      this.#reader.run(),
      this.#delivery.run(),
    ]);
  }

  /**
   * Reads no more, lets the sinks finish, acknowledges, gives the slots back. What waits in memory stays pending for the
   * next owners.
   * @returns false where something was still under way when the time was over.
   */
  async stop(): Promise<boolean> {
    const { log, sinks } = this.#options;
    this.#reader.stop();
    this.#delivery.stop();
    const isDrained = await this.#delivery.drain(STOP_MS);
    await this.#leases
      .leave()
      .catch((error) => log.warn({ reason: reasonOf(error) }, "leaving was not heard"));
    this.#isStopped = true;
    this.#scanner.stop();
    this.#attacher.stop();
    await Promise.race([this.#loops, Bun.sleep(2_000)]);
    await this.#leases
      .tick()
      .catch((error) => log.warn({ reason: reasonOf(error) }, "leases run out by themselves"));
    for (const sink of sinks) {
      await sink
        .close?.()
        .catch((error) => log.error({ sink: sink.name, reason: reasonOf(error) }, "closing failed"));
    }
    this.#store.close();
    return isDrained;
  }

  async #tickLoop(): Promise<void> {
    let failures = 0;
    while (!this.#isStopped) {
      try {
        await this.#leases.tick();
        failures = 0;
      } catch (error) {
        if (failures++ === 0) this.#options.log.warn({ reason: reasonOf(error) }, "Redis does not answer");
      }
      this.#sweep();
      if (!this.#store.isReady) await Bun.sleep(50);
      else await Bun.sleep(failures === 0 ? TICK_MS : backoffMs(failures, Math.random(), 1_000));
    }
  }

  #gained(number: number, token: string): void {
    this.#slots.set(number, { token, rooms: new Set() });
    this.#scanner.scan(number, true);
  }

  #gone(number: number, isLost: boolean): void {
    const slot = this.#slots.get(number);
    this.#slots.delete(number);
    for (const room of slot?.rooms ?? []) this.#desk.remove(room);
    if (isLost) this.metrics.leasesLost.inc();
    this.#store.unlisten(number).catch(() => {}); // the connection is gone, and the subscription with it
  }

  /** Nothing of the slot is read or at a sink, and nothing waits that could go there soon. */
  #isIdle(number: number): boolean {
    const slot = this.#slots.get(number);
    if (slot === undefined) return true;
    slot.leavingSinceMs ??= performance.now();
    const isPatient = !this.#isStopped && performance.now() - slot.leavingSinceMs < GIVE_BACK_MS;
    for (const room of slot.rooms) {
      if (room.isReading) this.#reader.interrupt();
      if (room.isReading || room.atSink > 0) return false;
      if (room.queue.length > 0 && room.retryTimer === undefined && isPatient && !this.#delivery.isAway)
        return false;
    }
    return true;
  }

  #bell(name: string): void {
    const room = this.#desk.rooms.get(name);
    if (room !== undefined) this.#desk.ring(room);
    else this.#meet(slotOf(name), name);
  }

  /** A room of one of our slots, known or not. */
  #meet(number: number, name: string): void {
    const slot = this.#slots.get(number);
    if (slot === undefined || this.#desk.rooms.has(name) || slotOf(name) !== number) return;
    if (this.#desk.rooms.size >= ROOMS_MAX) return;
    const room = new DispatchRoom(name, number, slot.token);
    slot.rooms.add(room);
    this.#desk.add(room);
  }

  /** Some slots' sets and rooms are looked at again; all of them where doorbells may have been missed. */
  #sweep(): void {
    const numbers = [...this.#slots.keys()];
    const isAll = this.#isRescanDue;
    this.#isRescanDue = false;
    const count = isAll ? numbers.length : Math.ceil((numbers.length * TICK_MS) / SWEEP_MS);
    let rooms = 0;
    for (let turn = 0; turn < count && (isAll || rooms < SWEEP_ROOMS_PER_TICK); turn++) {
      const number = numbers[this.#sweepAt++ % numbers.length];
      const slot = number === undefined ? undefined : this.#slots.get(number);
      if (number === undefined || slot === undefined) continue;
      this.#scanner.scan(number, false);
      for (const room of slot.rooms) {
        if (room.isLeft) slot.rooms.delete(room);
        else this.#desk.toAttach.add(room);
        rooms++;
      }
    }
    if (rooms > 0) this.#desk.attachWanted.wake();
  }

  #noteRedisError(error: Error): void {
    this.metrics.redisErrors.inc();
    const now = performance.now();
    if (now - this.#redisErrorsTold < 5_000) return;
    this.#redisErrorsTold = now;
    this.#options.log.warn({ reason: reasonOf(error) }, "Redis cannot be reached");
  }

  #noteRedisState(isReady: boolean): void {
    if (isReady) this.#options.log.info({}, "connected to Redis");
    else this.#options.log.warn({}, "the connection to Redis is lost");
  }
}
