import type { Cluster, Redis } from "ioredis";
import { DISPATCH_SLOTS, dispatchRoomsKey } from "./keys.ts";

/** How long a list of all rooms serves for further pages. */
const KEPT_MS = 5000;

/** The names of all rooms with records. */
export class RoomList {
  readonly #client: Redis | Cluster;
  #names: Promise<readonly string[]> | undefined;
  #readAt = Number.NEGATIVE_INFINITY;

  constructor(client: Redis | Cluster) {
    this.#client = client;
  }

  /** Names in alphabetical order after `after`. */
  async page(after: string, limit: number): Promise<readonly string[]> {
    if (this.#names === undefined || performance.now() - this.#readAt > KEPT_MS) {
      this.#readAt = performance.now();
      this.#names = this.#read();
      this.#names.catch(() => {
        this.#names = undefined;
      });
    }
    const names = await this.#names;
    const start = names.findIndex((name) => name > after);
    return start < 0 ? [] : names.slice(start, start + limit);
  }

  async #read(): Promise<readonly string[]> {
    const slots = Array.from({ length: DISPATCH_SLOTS }, (_, slot) => slot);
    const names = await Promise.all(slots.map((slot) => this.#client.smembers(dispatchRoomsKey(slot))));
    return names.flat().sort();
  }
}
