/** What the dispatch workers ask of Redis. One command never touches keys of two slots where Redis is a Cluster. */
import { Cluster, type Redis } from "ioredis";
import { type ConnectOptions, connectBlocking, connectRedis, type RedisConnection } from "./connect.ts";
import { entriesOf, type StreamEntry, streamsOf, streamWithoutGroup } from "./dispatch-replies.ts";
import {
  ACK,
  ACQUIRE,
  ATTACH,
  BURY,
  HEARTBEAT,
  NOTE_TRY,
  RELEASE,
  RENEW,
  RoomStatus,
  type Script,
} from "./dispatch-scripts.ts";
import {
  DISPATCH_GROUP,
  DISPATCH_WORKERS_KEY,
  deadKey,
  dispatchBellChannel,
  dispatchFenceKey,
  dispatchLeaseKey,
  dispatchRoomsKey,
  metaKey,
  streamKey,
} from "./keys.ts";
import { REDIS_LIMITS } from "./limits.ts";
import type { RedisAddress } from "./redis-url.ts";
import { connectionOf } from "./room-connection.ts";

/** What became of a call about a room. */
export type Attached = { readonly status: "gone" } | { readonly status: "fenced" } | ServedRoom;
export type ServedRoom = {
  readonly status: "served";
  /** Empty where the room has no hash. */
  readonly epoch: string;
  /** Offset behind which that epoch began, and the epoch before; -1 and empty where that is not known. */
  readonly epochFrom: number;
  readonly epochBefore: string;
  /** The try that was noted when the room was last served. */
  readonly trying: { readonly offset: number; readonly tries: number } | undefined;
  /** Entries that somebody has read and not acknowledged. */
  readonly pending: number;
  /** There are entries that nobody has read. */
  readonly hasNew: boolean;
};

/** What became of an ack. */
export type Acked =
  | { readonly status: "fenced" }
  | { readonly status: "noGroup" }
  | { readonly status: "served"; readonly pending: number; readonly epoch: string };

/** Entries of a room that the sinks have. */
export interface RoomAck {
  readonly room: string;
  /** Of the lease under which they were read. */
  readonly token: string;
  readonly ids: readonly string[];
  /** A try that was noted is done with. */
  readonly endsTry: boolean;
}

/** Entries read, by room; and the rooms whose group is not there. */
export interface ReadReply {
  readonly rooms: readonly (readonly [room: string, entries: readonly StreamEntry[]])[];
  /** Rooms of which one or more have no group. */
  readonly withoutGroup: readonly string[];
}

export interface Claimed {
  readonly entries: readonly StreamEntry[];
  /** Ids that were pending, but no longer in the stream: trimmed before anybody acknowledged them. */
  readonly trimmed: number;
  /** Where to go on; `0-0` = that was all. */
  readonly cursor: string;
}

export interface DispatchStoreOptions {
  readonly address: RedisAddress;
  /** Name of the worker, and of its consumer in every group. */
  readonly worker: string;
  readonly onError: (error: Error) => void;
  readonly onState: (isReady: boolean) => void;
  /** Doorbells may have been missed. */
  readonly onSubscriberChange: () => void;
  readonly onBell: (room: string) => void;
}

/** The connection gives up earlier; should it not, no loop of a worker may stand still for ever. */
const ANSWER_MS = 3 * REDIS_LIMITS.socketTimeoutMs;

const STREAM_PREFIX = streamKey("").slice(0, -1);

export class DispatchStore {
  /** Several rooms per read, and reads that wait: where all keys are on one server. */
  readonly readsMany: boolean;
  readonly #worker: string;
  readonly #connection: RedisConnection;
  readonly #client: Redis | Cluster;
  readonly #blocking: Redis | undefined;
  #blockingId: number | undefined;

  constructor(options: DispatchStoreOptions) {
    const { address, worker, onBell } = options;
    const manners: ConnectOptions = {
      connectionName: `danmakud-dispatch:${worker}`,
      onError: options.onError,
      onState: options.onState,
      onSubscriberChange: options.onSubscriberChange,
    };
    this.#worker = worker;
    this.#connection = connectRedis(address, manners);
    this.#connection.onMessage((_, message) => onBell(message.toString()));
    this.#client = this.#connection.client;
    this.readsMany = address.kind !== "cluster";
    this.#blocking = this.readsMany ? connectBlocking(address, manners) : undefined;
    this.#blocking?.on("ready", () => void this.#learnBlockingId());
    this.#blocking?.on("close", () => {
      this.#blockingId = undefined;
    });
  }

  get isReady(): boolean {
    return this.#connection.isReady;
  }

  close(): void {
    this.#connection.close();
    this.#blocking?.disconnect();
  }

  /** Says that the worker lives. @returns all that do. */
  async heartbeat(ttlMs: number): Promise<readonly string[]> {
    return (await this.#run(HEARTBEAT, [DISPATCH_WORKERS_KEY], [this.#worker, ttlMs])) as readonly string[];
  }

  async leave(): Promise<void> {
    await this.#client.zrem(DISPATCH_WORKERS_KEY, this.#worker);
  }

  /** Takes a slot's lease. @returns its token, or undefined where another worker has it. */
  async acquire(slot: number, ttlMs: number): Promise<string | undefined> {
    const keys = [dispatchLeaseKey(slot), dispatchFenceKey(slot)];
    const token = await this.#run(ACQUIRE, keys, [this.#worker, ttlMs]);
    return token === 0 ? undefined : String(token);
  }

  /**
   * Prolongs leases. On one server some after the others, so that the acks of a busy worker do not wait behind all of
   * them; none after some that were not answered.
   * @returns for each whether it is still held; undefined where Redis gave no answer.
   */
  async renew(
    leases: readonly (readonly [slot: number, token: string])[],
    ttlMs: number,
  ): Promise<readonly (boolean | undefined)[]> {
    const step = this.readsMany ? 128 : 1;
    const calls: Promise<unknown>[] = [];
    for (let at = 0; at < leases.length; at += step) {
      const some = leases.slice(at, at + step);
      const keys = some.map(([slot]) => dispatchLeaseKey(slot));
      const call = this.#run(RENEW, keys, [ttlMs, ...some.map(([, token]) => `${this.#worker} ${token}`)]);
      calls.push(call);
      const isAnswered = !this.readsMany || (await call.then(Boolean, () => false));
      if (!isAnswered) break;
    }
    const settled = await Promise.allSettled(calls);
    return settled.flatMap((result, call) =>
      result.status === "fulfilled"
        ? (result.value as readonly number[]).map((held) => held === 1)
        : leases.slice(call * step, (call + 1) * step).map(() => undefined),
    );
  }

  async release(slot: number, token: string): Promise<void> {
    await this.#run(RELEASE, [dispatchLeaseKey(slot)], [`${this.#worker} ${token}`]);
  }

  async listen(slot: number): Promise<void> {
    await this.#connection.subscribe(dispatchBellChannel(slot));
  }

  async unlisten(slot: number): Promise<void> {
    await this.#connection.unsubscribe(dispatchBellChannel(slot));
  }

  /** Names of a slot's rooms, a page at a time; some may come twice. */
  async roomsOf(
    slot: number,
    cursor: string,
    page: number,
  ): Promise<readonly [cursor: string, rooms: string[]]> {
    return await this.#client.sscan(dispatchRoomsKey(slot), cursor, "COUNT", page);
  }

  /**
   * Strikes a room off its slot's set. A node writes the stream first and then the set, so a stream that is there when
   * we look again was made in between, and its name is put back.
   */
  async forgetRoom(slot: number, room: string): Promise<void> {
    await this.#client.srem(dispatchRoomsKey(slot), room);
    if ((await this.#client.exists(streamKey(room))) === 1) {
      await this.#client.sadd(dispatchRoomsKey(slot), room);
    }
  }

  async attach(room: string, token: string): Promise<Attached> {
    const [status, epoch, trying, pending, hasNew, from, epochBefore] = (await this.#run(
      ATTACH,
      [streamKey(room), metaKey(room)],
      [DISPATCH_GROUP, token, this.#worker],
    )) as [number, string, string, number, number, string, string];
    if (status === RoomStatus.gone) return { status: "gone" };
    if (status !== RoomStatus.served) return { status: "fenced" };
    const [, offset, tries] = /^(\d+):(\d+)$/.exec(trying) ?? [];
    return {
      status: "served",
      epoch,
      epochFrom: from === "" ? -1 : Number(from),
      epochBefore,
      trying: offset === undefined ? undefined : { offset: Number(offset), tries: Number(tries) },
      pending,
      hasNew: hasNew === 1,
    };
  }

  /** Takes over what is pending for at least so long, whoever had it. */
  async claim(room: string, cursor: string, idleMs: number, count: number): Promise<Claimed> {
    const [next, entries, trimmed] = (await this.#client.xautoclaim(
      streamKey(room),
      DISPATCH_GROUP,
      this.#worker,
      idleMs,
      cursor,
      "COUNT",
      count,
    )) as [string, unknown, unknown];
    return {
      entries: entriesOf(entries),
      trimmed: Array.isArray(trimmed) ? trimmed.length : 0,
      cursor: String(next),
    };
  }

  /**
   * Reads what nobody has read yet, at most `count` entries per room.
   * @param rooms one only, where `readsMany` is false.
   * @param blockMs how long to wait for something; 0 = not at all.
   */
  async read(rooms: readonly string[], count: number, blockMs: number): Promise<ReadReply> {
    const keys = rooms.map(streamKey);
    const block = blockMs > 0 ? ["BLOCK", blockMs] : [];
    const client = this.#readingConnection(rooms);
    // What waits for a connection would be read when the lease may be another's.
    if (client.status !== "ready") throw new Error("Redis is not connected");
    const group = ["GROUP", DISPATCH_GROUP, this.#worker, "COUNT", count, ...block];
    try {
      const command = client.call("XREADGROUP", ...group, "STREAMS", ...keys, ...keys.map(() => ">"));
      const reply = await answered(command, ANSWER_MS + blockMs);
      const found = streamsOf(reply).map(
        ([key, entries]) => [key.slice(STREAM_PREFIX.length, -1), entries] as const,
      );
      return { rooms: found, withoutGroup: [] };
    } catch (error) {
      this.#noteMoved(error);
      const stream = streamWithoutGroup(error);
      if (stream === undefined) throw error;
      const named = stream === "" ? rooms : [stream.slice(STREAM_PREFIX.length, -1)];
      return { rooms: [], withoutGroup: named };
    }
  }

  /** Ends the wait of the read that is under way. Without the right to do so the wait goes on to its end. */
  async stopWaiting(): Promise<void> {
    if (this.#blockingId === undefined) return;
    await this.#client.call("CLIENT", "UNBLOCK", this.#blockingId).catch(() => {});
  }

  /**
   * Acknowledges entries of one or more rooms, those of a room in the order of their offsets.
   * @returns for each room what became of it.
   */
  async ack(rooms: readonly RoomAck[]): Promise<readonly Acked[]> {
    if (!this.readsMany) return (await Promise.all(rooms.map((room) => this.#ackTogether([room])))).flat();
    return await this.#ackTogether(rooms);
  }

  /** Notes that an entry is about to be tried again. @returns false where the room is another worker's now. */
  async noteTry(room: string, token: string, offset: number, tries: number): Promise<boolean> {
    const meta = metaKey(room);
    const [status] = (await this.#run(
      NOTE_TRY,
      [meta, meta],
      [DISPATCH_GROUP, token, `${offset}:${tries}`],
    )) as [number];
    return status === RoomStatus.served;
  }

  /** Moves an entry to the room's dead letters. */
  async bury(
    room: string,
    token: string,
    id: string,
    letter: Readonly<Record<string, string>>,
    keep: number,
  ) {
    const keys = [streamKey(room), metaKey(room), deadKey(room)];
    const fields = Object.entries(letter).flat();
    return ackedOf(await this.#run(BURY, keys, [DISPATCH_GROUP, token, id, keep, ...fields]));
  }

  async #ackTogether(rooms: readonly RoomAck[]): Promise<Acked[]> {
    const keys: string[] = [];
    const args: (string | number)[] = [DISPATCH_GROUP];
    for (const { room, token, ids, endsTry } of rooms) {
      keys.push(streamKey(room), metaKey(room));
      args.push(token, endsTry ? "1" : "0", ids.length, ...ids);
    }
    const reply = (await this.#run(ACK, keys, args)) as readonly unknown[];
    return rooms.map((_, at) => ackedOf(reply.slice(at * 3, at * 3 + 3)));
  }

  /**
   * In a Cluster a server's own connection. The client as a whole would send a read again whose answer was lost, and what
   * the first one gave us would come after what the second one gives.
   */
  #readingConnection(rooms: readonly string[]): Redis {
    return this.#blocking ?? connectionOf(this.#client, rooms[0] ?? "");
  }

  /** The room is on another server: whoever tries again has to know where. */
  #noteMoved(error: unknown): void {
    const isMoved = error instanceof Error && error.message.startsWith("MOVED");
    if (isMoved && this.#client instanceof Cluster) this.#client.refreshSlotsCache();
  }

  async #learnBlockingId(): Promise<void> {
    this.#blockingId = await this.#blocking?.client("ID").catch(() => undefined);
  }

  async #run(script: Script, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown> {
    try {
      return await answered(this.#client.evalsha(script.sha1, keys.length, ...keys, ...args), ANSWER_MS);
    } catch (error) {
      if (!(error instanceof Error && error.message.startsWith("NOSCRIPT"))) throw error;
      return await answered(this.#client.eval(script.lua, keys.length, ...keys, ...args), ANSWER_MS);
    }
  }
}

function ackedOf(reply: unknown): Acked {
  const [status, pending, epoch] = reply as [number, number, string];
  if (status === RoomStatus.served) return { status: "served", pending, epoch };
  return { status: status === RoomStatus.noGroup ? "noGroup" : "fenced" };
}

async function answered<T>(command: Promise<T>, withinMs: number): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new Error(`no answer from Redis within ${withinMs} ms`)),
    withinMs,
  );
  return await Promise.race([command, late.promise]).finally(() => clearTimeout(timer));
}
