/** The log of all rooms in Redis, as `ports/shared-log.ts` wants it. */
import type {
  OnShared,
  SharedAppendResult,
  SharedBatch,
  SharedClaim,
  SharedClaims,
  SharedDue,
  SharedLog,
  SharedMessage,
  SharedRoomState,
  SharedSchedule,
  SharedScheduleResult,
  SharedStretch,
  SharedWaiting,
} from "@danmakud/core/ports";
import { ROOM_LIMITS } from "@danmakud/core/rooms";
import { Bells } from "./bells.ts";
import type { RedisConnection } from "./connect.ts";
import {
  appendKeys,
  dispatchRoomsKey,
  entryId,
  isLiveChannel,
  liveChannel,
  metaKey,
  NODES_KEY,
  offsetOfId,
  onlineKey,
  roomOfChannel,
  sanctionsKey,
  slotOf,
  streamKey,
  waitingKey,
} from "./keys.ts";
import { REDIS_LIMITS } from "./limits.ts";
import { ReplicaWait } from "./replica-wait.ts";
import { Schedules } from "./schedules.ts";
import { defineScripts, type Scripts } from "./scripts.ts";
import { entryOffset, entryScheduled, RecordBuffer, rawEntries } from "./stream-entry.ts";

export interface RedisLogOptions {
  readonly connection: RedisConnection;
  /** One that carries nothing but writes, where acks wait for replicas: a wait holds up all that comes after it. */
  readonly writing?: RedisConnection;
  /** Names this life of the node. */
  readonly node: string;
  /** A fresh epoch. */
  readonly token: () => string;
  readonly retain: number;
  readonly roomTtlMs: number;
  /** Replicas that must have a batch before it is acked. */
  readonly replicas: number;
  readonly onMessage: (message: SharedMessage) => void;
  /** What waited in a room under this number was taken back. */
  readonly onCancelled: (room: string, number: number) => void;
}

const NOTHING = Buffer.alloc(0);

export class RedisLog implements SharedLog {
  readonly #options: RedisLogOptions;
  readonly #scripts: Scripts;
  readonly #writing: Scripts;
  readonly #replicas: ReplicaWait | undefined;
  readonly #bells: Bells;
  readonly #schedules: Schedules;
  readonly #subscribed = new Set<string>();
  #alive: ReadonlySet<string> = new Set();

  constructor(options: RedisLogOptions) {
    this.#options = options;
    const { connection, writing = connection, replicas, retain, roomTtlMs } = options;
    this.#scripts = defineScripts(connection.client);
    this.#writing = writing === connection ? this.#scripts : defineScripts(writing.client);
    this.#replicas = replicas === 0 ? undefined : new ReplicaWait(writing.client, replicas);
    this.#bells = new Bells(connection.client);
    this.#schedules = new Schedules({
      scripts: this.#writing,
      client: connection.client,
      node: options.node,
      token: options.token,
      retain,
      roomTtlMs,
      isReplicated: (room) => this.isReplicated(room),
    });
    connection.onMessage((channel, message) => {
      if (!isLiveChannel(channel)) return;
      const room = roomOfChannel(channel.toString());
      const cancelled = parseCancelled(message);
      if (cancelled !== undefined) {
        options.onCancelled(room, cancelled);
        return;
      }
      const parsed = parseMessage(room, message, options.node);
      if (parsed !== undefined) options.onMessage(parsed);
    });
  }

  subscribe(room: string, onDone: OnShared<undefined>): void {
    const { connection } = this.#options;
    const channel = liveChannel(room);
    // The client keeps a list of channels: one that is there already is taken out first.
    const before = this.#subscribed.has(room) ? connection.unsubscribe(channel).catch(() => {}) : undefined;
    this.#subscribed.add(room);
    settle(
      Promise.resolve(before)
        .then(() => connection.subscribe(channel))
        .then(nothing),
      onDone,
    );
  }

  unsubscribe(room: string): void {
    this.#subscribed.delete(room);
    this.#options.connection.unsubscribe(liveChannel(room)).catch(() => {});
  }

  append(room: string, batch: SharedBatch, onDone: OnShared<SharedAppendResult>): void {
    settle(this.#append(room, batch), onDone);
  }

  look(room: string, viewers: number | undefined, onDone: OnShared<SharedRoomState | undefined>): void {
    const keepMs = viewers === undefined || viewers === 0 ? 0 : ROOM_KEPT_MS;
    const reply = this.#scripts.look(
      metaKey(room),
      onlineKey(room),
      sanctionsKey(room),
      waitingKey(room),
      this.#options.node,
      viewers ?? "-",
      keepMs,
    );
    settle(
      reply.then((words) => this.#state(room, words as (string | number | null)[])),
      onDone,
    );
  }

  read(
    room: string,
    after: number,
    through: number,
    recordsMax: number,
    onDone: OnShared<SharedStretch>,
  ): void {
    const { client } = this.#options.connection;
    const entries = client.xrangeBuffer(
      streamKey(room),
      entryId(after + 1),
      entryId(through),
      "COUNT",
      recordsMax,
    );
    settle(
      entries.then((found) => {
        const records = new RecordBuffer();
        const scheduled = new Map<number, number>();
        for (const entry of rawEntries(found)) {
          if (!records.add(entry)) continue;
          const number = entryScheduled(entry);
          if (number !== undefined) scheduled.set(entryOffset(entry), number);
        }
        const stretch = { bytes: records.take(), count: records.count };
        return scheduled.size === 0 ? stretch : { ...stretch, scheduled };
      }),
      onDone,
    );
  }

  announce(room: string, onDone: OnShared<undefined>): void {
    const noted = this.#options.connection.client.sadd(dispatchRoomsKey(slotOf(room)), room);
    settle(noted.then(nothing), onDone);
  }

  schedule(room: string, batch: SharedSchedule, onDone: OnShared<SharedScheduleResult>): void {
    settle(this.#schedules.schedule(room, batch), onDone);
  }

  deliverDue(room: string, onDone: OnShared<SharedDue>): void {
    settle(this.#schedules.deliverDue(room), onDone);
  }

  claim(
    held: readonly (SharedClaim & { readonly waiting: SharedWaiting | undefined })[],
    roomsMax: number,
    isLast: boolean,
    onDone: OnShared<SharedClaims>,
  ): void {
    settle(this.#schedules.claim(held, roomsMax, isLast), onDone);
  }

  visibleHead(room: string, head: number, delayMs: number, onDone: OnShared<number>): void {
    const reply = this.#scripts.visible(streamKey(room), head, delayMs);
    settle(
      reply.then((id) => offsetOfId(String(id))),
      onDone,
    );
  }

  ring(room: string): void {
    this.#bells.ring(room);
  }

  /** Tells that this node is alive, and learns which others are. */
  beat(onDone: OnShared<undefined>): void {
    const reply = this.#scripts.beat(NODES_KEY, this.#options.node, "", REDIS_LIMITS.nodeSilenceMs);
    settle(
      reply.then((nodes) => {
        this.#alive = new Set(nodes as string[]);
        return undefined;
      }),
      onDone,
    );
  }

  /** Says goodbye: the node's viewers count no more. */
  async leave(): Promise<void> {
    await this.#scripts.beat(NODES_KEY, "", this.#options.node, REDIS_LIMITS.nodeSilenceMs);
  }

  async #append(room: string, batch: SharedBatch): Promise<SharedAppendResult> {
    const { node, token, retain, roomTtlMs } = this.#options;
    const { number, epoch, head, bytes, count, isBound, identities, settings } = batch;
    const keyed: (string | number)[] = [];
    for (let i = 0; i < identities.length; i++) {
      const identity = identities[i] as string;
      if (identity !== "") keyed.push(i + 1, identity);
    }
    const reply = await this.#writing.append(
      ...appendKeys(room),
      ...[node, number, epoch === "" ? "-" : epoch, head, token()],
      ...[retain, retain * REDIS_LIMITS.unreadFactor, roomTtlMs],
      ...[ROOM_LIMITS.keyLifeMs, ROOM_LIMITS.keysPerRoomMax, REDIS_LIMITS.burn],
      count === 0 ? NOTHING : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length),
      count,
      settings === undefined ? "" : `${settings.expected}\n${settings.wanted}`,
      settings?.maxRate ?? 0,
      settings?.slowModeMs ?? 0,
      boundText(isBound),
      ROOM_LIMITS.slowUsersMax,
      ...keyed,
    );
    const result = parseReply(String(reply));
    // Repeats wait too: of the first publish it is not known whether it got that far.
    return { ...result, isReplicated: count === 0 || (await this.isReplicated(room)) };
  }

  /** Whether as many replicas as are asked for have what was just written under keys with this hash tag. */
  async isReplicated(tag: string): Promise<boolean> {
    return (await this.#replicas?.reached(tag)) !== false;
  }

  #state(room: string, words: readonly (string | number | null)[]): SharedRoomState | undefined {
    const [epoch, head, ts, settings, isSame, sanctions, dueInMs] = words;
    let online = 0;
    for (let i = 7; i + 1 < words.length; i += 2) {
      const node = String(words[i]);
      if (node === this.#options.node || this.#alive.has(node)) online += Number(words[i + 1]);
      // A node that only was slow says it again.
      else if (this.#alive.size > 0)
        this.#options.connection.client.hdel(onlineKey(room), node).catch(() => {});
    }
    if (epoch === null || epoch === undefined) return undefined;
    return {
      epoch: String(epoch),
      head: Number(head),
      ts: Number(ts),
      settings: String(settings),
      sanctions: String(sanctions),
      isInDoubt: isSame !== 1,
      online,
      dueInMs: dueInMs === "-" ? undefined : Number(dueInMs),
    };
  }
}

/** A room with viewers is kept for so long after the last look. */
const ROOM_KEPT_MS = 3_600_000;

function nothing(): undefined {
  return undefined;
}

function settle<Result>(promise: Promise<Result>, onDone: OnShared<Result>): void {
  promise.then(onDone, (cause: unknown) => onDone(cause instanceof Error ? cause : new Error(String(cause))));
}

/** Whom slow mode binds, in the form of `append.lua`. */
function boundText(isBound: boolean | readonly boolean[]): string {
  if (typeof isBound === "boolean") return isBound ? "*" : "";
  return isBound.map((is) => (is ? "b" : "-")).join("");
}

function parseReply(reply: string): Omit<SharedAppendResult, "isReplicated"> {
  const [status, epoch, base, first, ts, taken, outcomes, repeats, unread] = reply.split(" ");
  return {
    status: status === "conflict" ? "conflict" : "ok",
    epoch: epoch ?? "",
    base: Number(base),
    first: Number(first),
    ts: Number(ts),
    taken: Number(taken),
    outcomes: outcomes === "-" ? "" : (outcomes ?? ""),
    repeats:
      repeats === "-" || repeats === undefined
        ? []
        : repeats.split(",").map((pair) => {
            const colon = pair.indexOf(":");
            return { offset: Number(pair.slice(0, colon)), ts: Number(pair.slice(colon + 1)) };
          }),
    unread: Number(unread ?? 0),
  };
}

/** Undefined for what this node itself, or no node of this version, has sent. */
function parseMessage(room: string, message: Buffer, self: string): SharedMessage | undefined {
  const end = message.indexOf(10);
  if (end < 0) return undefined;
  const [node, , epoch, base, first, ts, count, outcomes, scheduled] = message
    .toString("latin1", 0, end)
    .split(" ");
  if (node === self || epoch === undefined || outcomes === undefined) return undefined;
  return {
    room,
    epoch,
    base: Number(base),
    first: Number(first),
    ts: Number(ts),
    count: Number(count),
    outcomes: outcomes === "-" ? "" : outcomes,
    bytes: aligned(message, end + 1),
    ...(scheduled === undefined ? undefined : { scheduled: scheduled.split(",").map(Number) }),
  };
}

/** The number of what was taken back; undefined where the message tells something else. */
function parseCancelled(message: Buffer): number | undefined {
  if (message.length > CANCELLED_BYTES_MAX) return undefined;
  const [, number] = /^cancelled (\d+)$/.exec(message.toString("latin1")) ?? [];
  return number === undefined ? undefined : Number(number);
}

const CANCELLED_BYTES_MAX = 24;

/** The records at a multiple of four, where they are read by words. */
function aligned(message: Buffer, from: number): Uint8Array {
  const bytes = new Uint8Array(message.length - from);
  bytes.set(message.subarray(from));
  return bytes;
}
