/** Writes rooms into Redis as nodes do: stream, hash, set of the slot, doorbell. */
import type { Cluster, Redis } from "ioredis";
import {
  connectRedis,
  DISPATCH_GROUP,
  dispatchBellChannel,
  dispatchRoomsKey,
  metaKey,
  parseRedisUrl,
  type RedisConnection,
  slotOf,
  streamKey,
} from "../../../packages/server/src/adapters/redis/index.ts";
import { waitFor } from "../../../packages/testkit/src/index.ts";

export class RoomWriter implements AsyncDisposable {
  readonly client: Redis | Cluster;
  /** Offsets written, by room, in order. */
  readonly written = new Map<string, number[]>();
  readonly #connection: RedisConnection;

  private constructor(connection: RedisConnection) {
    this.#connection = connection;
    this.client = connection.client;
  }

  static async connect(url: string): Promise<RoomWriter> {
    const connection = connectRedis(parseRedisUrl(url), { connectionName: "test-writer", onError: () => {} });
    await waitFor("the writer's connection", () => connection.isReady);
    return new RoomWriter(connection);
  }

  /** Writes one danmaku and rings. @returns its offset. */
  async write(room: string, content: string): Promise<number> {
    const offset = (this.written.get(room)?.at(-1) ?? 0) + 1;
    const style = ["mode", "scroll", "color", "#ffffff", "size", "25", "class", "normal"];
    const fields = [
      "timestamp",
      String(Date.now()),
      "uid",
      `user-${offset % 7}`,
      "content",
      content,
      ...style,
    ];
    await this.client.xadd(streamKey(room), `${offset}-0`, ...fields).catch((error: Error) => {
      // A try before this one was written, and only its answer lost.
      if (!/equal or smaller/.test(error.message)) throw error;
    });
    await this.client.hset(metaKey(room), "epoch", "e1", "head", String(offset));
    this.#note(room, offset);
    await this.ring(room);
    return offset;
  }

  async ring(room: string): Promise<void> {
    const slot = slotOf(room);
    await this.client.sadd(dispatchRoomsKey(slot), room);
    await this.client.spublish(dispatchBellChannel(slot), room);
  }

  /** Writes to rooms in turn, so many danmaku per second or a little less, while `goesOn` says so of their number. */
  async flow(rooms: readonly string[], perSecond: number, goesOn: (count: number) => boolean): Promise<void> {
    const stepMs = 20;
    const perStep = Math.max(1, Math.round((perSecond * stepMs) / 1000));
    for (let done = 0; goesOn(done); done += perStep) {
      const some = Array.from({ length: perStep }, (_, i) => rooms[(done + i) % rooms.length]);
      // A room's danmaku one after the other, rooms beside each other.
      await Promise.all(
        [...new Set(some)].map(async (room) => {
          for (const each of some) {
            if (each === room && room !== undefined) await this.write(room, `${room} danmaku`);
          }
        }),
      );
      await Bun.sleep(stepMs);
    }
  }

  /** Entries that the group has been given and not acknowledged, over all rooms written to. */
  async pending(): Promise<number> {
    let pending = 0;
    for (const room of this.written.keys()) {
      const summary = (await this.client.xpending(streamKey(room), DISPATCH_GROUP)) as [number];
      pending += summary[0];
    }
    return pending;
  }

  /** The group is through with everything: nothing unread, nothing pending, and the rooms' hashes say so. */
  async settled(): Promise<boolean> {
    for (const [room, offsets] of this.written) {
      const dispatched = await this.client.hget(metaKey(room), "dispatched");
      if (Number(dispatched) !== offsets.at(-1)) return false;
    }
    return (await this.pending()) === 0;
  }

  async waitSettled(timeoutMs = 60_000): Promise<void> {
    await waitFor("everything to be acknowledged", () => this.settled().catch(() => false), {
      timeoutMs,
      intervalMs: 100,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#connection.close();
  }

  #note(room: string, offset: number): void {
    const offsets = this.written.get(room) ?? [];
    offsets.push(offset);
    this.written.set(room, offsets);
  }
}
