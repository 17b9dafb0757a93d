/** Danmaku that wait for their time, in Redis: in the keys of their rooms, and as a note of which rooms these are. */
import type {
  ScheduledDanmaku,
  SharedClaim,
  SharedClaims,
  SharedDue,
  SharedSchedule,
  SharedScheduleOutcome,
  SharedScheduleResult,
  SharedWaiting,
} from "@danmakud/core/ports";
import { ROOM_LIMITS, SHARED_LIMITS } from "@danmakud/core/rooms";
import type { Cluster, Redis } from "ioredis";
import {
  appendKeys,
  dispatchRoomsKey,
  keysKey,
  liveChannel,
  olderKeysKey,
  slotOf,
  WAITING_PARTS,
  waitingAskedKey,
  waitingKey,
  waitingKeysKey,
  waitingMember,
  waitingPartOf,
  waitingRecordsKey,
  waitingRoomsKey,
  waitingSizesKey,
} from "./keys.ts";
import { REDIS_LIMITS } from "./limits.ts";
import type { Call, Scripts } from "./scripts.ts";

export interface SchedulesOptions {
  readonly scripts: Scripts;
  readonly client: Redis | Cluster;
  /** Names this life of the node. */
  readonly node: string;
  /** A fresh epoch. */
  readonly token: () => string;
  readonly retain: number;
  readonly roomTtlMs: number;
  /** Whether enough replicas have what was just written to the room. */
  readonly isReplicated: (room: string) => Promise<boolean>;
}

/** A room that this node looks after, and what it knows to wait there. */
type Held = SharedClaim & { readonly waiting: SharedWaiting | undefined };

export class Schedules {
  readonly #options: SchedulesOptions;

  constructor(options: SchedulesOptions) {
    this.#options = options;
  }

  /**
   * The room is noted as one in which something waits before that is so, lest it be forgotten by a node that dies between,
   * and once more after, lest another strikes it off that has just found it empty.
   */
  async schedule(room: string, batch: SharedSchedule): Promise<SharedScheduleResult> {
    const { scripts, node, roomTtlMs, isReplicated } = this.#options;
    const { number, bytes, count, deliverAt, identities, cancel } = batch;
    if (count > 0) await this.#note(room, Math.min(...deliverAt));
    const reply = await scripts.schedule(
      ...[waitingKey(room), waitingRecordsKey(room), waitingKeysKey(room), waitingAskedKey(room)],
      ...[keysKey(room), olderKeysKey(room), liveChannel(room)],
      ...[node, number, cancel === undefined ? "" : waitingMember(cancel)],
      ...[ROOM_LIMITS.keyLifeMs, ROOM_LIMITS.scheduledPerRoomMax],
      ...[REDIS_LIMITS.scheduledBurn, roomTtlMs, REDIS_LIMITS.scheduledAskedMs],
      Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length),
      count,
      ...deliverAt.flatMap((at, i) => [at, identities[i] ?? ""]),
    );
    const [now, next, left, size, outcomes = ""] = String(reply).split(" ");
    const waiting = waitingOf(now, next, left, size);
    const isReplicatedNow = await isReplicated(room);
    if (count > 0 && waiting.count > 0) await this.#note(room, waiting.nextAt, waiting);
    return {
      outcomes: outcomes.split(",").map((outcome, i) => parseOutcome(outcome, deliverAt[i] ?? 0)),
      waiting,
      isReplicated: isReplicatedNow,
    };
  }

  async deliverDue(room: string): Promise<SharedDue> {
    const { scripts, client, node, token, retain, roomTtlMs } = this.#options;
    // As before every first append: whoever works behind the log finds the room by this.
    const noted = client.sadd(dispatchRoomsKey(slotOf(room)), room);
    const [reply] = await Promise.all([
      scripts.append(
        ...appendKeys(room),
        ...[node, 0, "-", 0, token(), retain, retain * REDIS_LIMITS.unreadFactor, roomTtlMs],
        ...[ROOM_LIMITS.keyLifeMs, ROOM_LIMITS.keysPerRoomMax, REDIS_LIMITS.burn],
        ...[SHARED_LIMITS.batchBytesMax, `due ${SHARED_LIMITS.batchRecordsMax}`, "", 0, 0, "", 0],
      ),
      noted,
    ]);
    const [, now, next, left, bytes, unread, late] = String(reply).split(" ");
    return {
      lateMs: late === undefined || late === "-" ? [] : late.split(",").map(Number),
      waiting: waitingOf(now, next, left, bytes),
      unread: Number(unread),
    };
  }

  async claim(held: readonly Held[], roomsMax: number, isLast: boolean): Promise<SharedClaims> {
    const ofPart: Held[][] = Array.from({ length: WAITING_PARTS }, () => []);
    for (const room of held) ofPart[waitingPartOf(room.room)]?.push(room);
    // What one part has more than its share is left to the next time, and to other nodes.
    const most = isLast ? 0 : Math.ceil(roomsMax / WAITING_PARTS);
    // A part whose master is away does not keep the others waiting.
    const settled = await Promise.allSettled(
      ofPart.map((rooms, part) => this.#claimOf(part, rooms, most, isLast)),
    );
    const replies = settled.flatMap((reply) => (reply.status === "fulfilled" ? [reply.value] : []));
    const failed = settled.find((reply) => reply.status === "rejected");
    if (failed !== undefined && replies.length === 0) throw failed.reason;
    return {
      ...(failed === undefined ? undefined : { failure: failed.reason as Error }),
      claimed: replies.flatMap(([, , claimed]) => pairs(claimed)),
      kept: replies.flatMap(([, , , , kept]) => pairs(kept)),
      released: replies.flatMap(([, , , released]) => released),
      count: replies.reduce((sum, [count]) => sum + count, 0),
      bytes: replies.reduce((sum, [, bytes]) => sum + bytes, 0),
    };
  }

  async #claimOf(part: number, held: readonly Held[], most: number, isLast: boolean): Promise<ClaimReply> {
    const ahead = isLast ? LOOK_AT_NOTHING_MS : REDIS_LIMITS.dueAheadMs;
    const rooms = held.flatMap(({ room, claim, waiting }) => {
      // Whoever comes next finds out.
      if (waiting === undefined) return [room, claim, isLast ? 0 : "?", 0, 0];
      return [room, claim, waiting.count === 0 ? "-" : waiting.nextAt, waiting.count, waiting.bytes];
    });
    const reply = await this.#options.scripts.dueRooms(
      ...[waitingRoomsKey(part), waitingSizesKey(part)],
      ...["claim", ahead, REDIS_LIMITS.dueLeaseMs, most, ...rooms],
    );
    return reply as ClaimReply;
  }

  async #note(room: string, nextAt: number, waiting?: SharedWaiting): Promise<void> {
    const part = waitingPartOf(room);
    const size = waiting === undefined ? [] : [waiting.count, waiting.bytes];
    await this.#options.scripts.dueRooms(
      ...[waitingRoomsKey(part), waitingSizesKey(part)],
      ...["note", room, nextAt, ...size],
    );
  }
}

/** What waits in a room after a place, by time and number. `list` is the script, whose reply is one of bytes. */
export async function listScheduled(
  list: Call,
  room: string,
  after: { readonly deliverAt: number; readonly number: number },
  limit: number,
): Promise<readonly ScheduledDanmaku[]> {
  const reply = await list(
    ...[waitingKey(room), waitingRecordsKey(room), after.deliverAt, waitingMember(after.number), limit],
  );
  const words = reply as (Buffer | null)[];
  const found: ScheduledDanmaku[] = [];
  for (let i = 0; i + 1 < words.length; i += 2) {
    const row = words[i + 1];
    if (row !== null && row !== undefined) found.push(parseRow(room, Number(words[i]), row));
  }
  return found;
}

export async function isWaiting(client: Redis | Cluster, room: string, number: number): Promise<boolean> {
  return (await client.zscore(waitingKey(room), waitingMember(number))) !== null;
}

/** `time length-of-key LF key record`. */
function parseRow(room: string, number: number, row: Buffer): ScheduledDanmaku {
  const end = row.indexOf(10);
  const [deliverAt, keyBytes] = row.toString("latin1", 0, end).split(" ");
  const from = end + 1 + Number(keyBytes);
  const identity = row.toString("utf8", end + 1, from);
  // At a multiple of four, where it is read by words.
  const record = new Uint8Array(row.subarray(from));
  return {
    number,
    room,
    deliverAt: Number(deliverAt),
    key: identity.slice(identity.indexOf("\n") + 1),
    record,
  };
}

type ClaimReply = [count: number, bytes: number, claimed: string[], released: string[], kept: string[]];

/** In the past of everything: no room is due by it. */
const LOOK_AT_NOTHING_MS = -1e15;

function pairs(words: readonly string[]): SharedClaim[] {
  const claims: SharedClaim[] = [];
  for (let i = 0; i + 1 < words.length; i += 2)
    claims.push({ room: words[i] as string, claim: words[i + 1] as string });
  return claims;
}

function waitingOf(now?: string, next?: string, left?: string, bytes?: string): SharedWaiting {
  const nextAt = next === "-" ? 0 : Number(next);
  return {
    nextInMs: next === "-" ? undefined : nextAt - Number(now),
    nextAt,
    count: Number(left),
    bytes: Number(bytes),
  };
}

function parseOutcome(text: string, deliverAt: number): SharedScheduleOutcome {
  const [letter, first, second] = text.split(":");
  switch (letter) {
    case "s":
      return { kind: "waits", scheduled: Number(first), deliverAt, isRepeat: false };
    case "w":
      return { kind: "waits", scheduled: Number(first), deliverAt: Number(second), isRepeat: true };
    case "r":
      return { kind: "repeat", offset: Number(first), ts: Number(second) };
    case "n":
      return { kind: "due" };
    case "f":
      return { kind: "full" };
    case "c":
      return { kind: "cancelled" };
    default:
      return { kind: "not_found" };
  }
}
