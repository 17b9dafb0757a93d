import type { Cluster, Redis } from "ioredis";
import { dispatchBellChannel, slotOf } from "./keys.ts";
import { REDIS_LIMITS } from "./limits.ts";

/** Tells the dispatch workers which rooms have new records, a room at most once per few milliseconds. */
export class Bells {
  readonly #client: Redis | Cluster;
  readonly #due = new Set<string>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(client: Redis | Cluster) {
    this.#client = client;
  }

  ring(room: string): void {
    this.#due.add(room);
    this.#timer ??= setTimeout(() => this.#ring(), REDIS_LIMITS.bellGatherMs);
  }

  /** A bell that is not heard is nothing lost: workers look by themselves too. */
  #ring(): void {
    this.#timer = undefined;
    for (const room of this.#due) {
      this.#client.spublish(dispatchBellChannel(slotOf(room)), room).catch(() => {});
    }
    this.#due.clear();
  }
}
