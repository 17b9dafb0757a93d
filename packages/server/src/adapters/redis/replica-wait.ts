/**
 * Waits until replicas have what was written. A `WAIT` holds up its connection, and speaks for everything that was written
 * on it before: so one serves all the writes whose answers came in together.
 */
import type { Cluster, Redis } from "ioredis";
import { REDIS_LIMITS } from "./limits.ts";
import { connectionOf } from "./room-connection.ts";

export class ReplicaWait {
  readonly #client: Redis | Cluster;
  readonly #replicas: number;
  readonly #due = new Map<Redis, Promise<number>>();

  constructor(client: Redis | Cluster, replicas: number) {
    this.#client = client;
    this.#replicas = replicas;
  }

  /** Whether enough replicas have in time what was written to the room last. Call when the answer to that has come. */
  async reached(room: string): Promise<boolean> {
    const connection = connectionOf(this.#client, room);
    let wait = this.#due.get(connection);
    if (wait === undefined) {
      wait = new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
        this.#due.delete(connection);
        return connection.wait(this.#replicas, REDIS_LIMITS.replicaWaitMs);
      });
      this.#due.set(connection, wait);
    }
    return (await wait) >= this.#replicas;
  }
}
