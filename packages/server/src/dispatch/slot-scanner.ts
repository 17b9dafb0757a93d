/** Finds the rooms of a slot: listens to its doorbell, then reads its set of rooms, so that none falls in between. */
import type { DispatchStore } from "../adapters/redis/index.ts";
import { backoffMs } from "./backoff.ts";
import { ROOMS_PAGE, SCAN_PARALLEL_MAX } from "./limits.ts";
import type { SinkLogger } from "./sink.ts";
import { Wakeup } from "./wakeup.ts";
import { reasonOf } from "./worker-context.ts";

export interface SlotScannerOptions {
  readonly store: DispatchStore;
  readonly isHeld: (slot: number) => boolean;
  readonly onRoom: (slot: number, room: string) => void;
  readonly log: SinkLogger;
  readonly random: () => number;
}

export class SlotScanner {
  readonly #options: SlotScannerOptions;
  /** Slots to be read, and whether their bell is to be listened to first. */
  readonly #wanted = new Map<number, boolean>();
  readonly #wakeup = new Wakeup();
  #underWay = 0;
  #failures = 0;
  #isStopped = false;

  constructor(options: SlotScannerOptions) {
    this.#options = options;
  }

  /** Nothing waits to be read, so every room that was there is known. */
  get isDone(): boolean {
    return this.#wanted.size === 0 && this.#underWay === 0;
  }

  scan(slot: number, isNew: boolean): void {
    this.#wanted.set(slot, isNew || (this.#wanted.get(slot) ?? false));
    this.#wakeup.wake();
  }

  async run(): Promise<void> {
    while (!this.#isStopped) {
      if (this.#failures > 0) await Bun.sleep(backoffMs(this.#failures, this.#options.random(), 2_000));
      for (const [slot, isNew] of this.#wanted) {
        if (this.#underWay >= SCAN_PARALLEL_MAX) break;
        this.#wanted.delete(slot);
        this.#underWay++;
        this.#scan(slot, isNew).finally(() => {
          this.#underWay--;
          this.#wakeup.wake();
        });
      }
      await this.#wakeup.sleep(500);
    }
  }

  stop(): void {
    this.#isStopped = true;
    this.#wakeup.wake();
  }

  async #scan(slot: number, isNew: boolean): Promise<void> {
    const { store, isHeld, onRoom, log } = this.#options;
    try {
      if (isNew && isHeld(slot)) await store.listen(slot);
      let cursor = "0";
      do {
        if (!isHeld(slot)) return;
        const [next, rooms] = await store.roomsOf(slot, cursor, ROOMS_PAGE);
        for (const room of rooms) onRoom(slot, room);
        cursor = next;
      } while (cursor !== "0");
      this.#failures = 0;
    } catch (error) {
      if (this.#failures++ === 0)
        log.warn({ slot, reason: reasonOf(error) }, "a slot's rooms cannot be read");
      if (isHeld(slot)) this.scan(slot, isNew);
    }
  }
}
