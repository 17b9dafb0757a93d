/** Mutes and bans in Redis: a hash of each room that has some and one of the site, `<kind> <uid>` → `<until> <since> <by>`. */
import {
  type OnShared,
  SANCTION_KINDS,
  type Sanction,
  type SharedSanctionLog,
  type SharedSanctions,
  SITE,
  UNTIL_LIFTED,
} from "@danmakud/core/ports";
import { ROOM_LIMITS } from "@danmakud/core/rooms";
import { isUid } from "@danmakud/wire";
import type { Cluster, Redis } from "ioredis";
import { liveChannel, SANCTION_REVISION, SITE_NEWS_CHANNEL, sanctionsKey, sanctionsTag } from "./keys.ts";
import { type Call, defineSanction } from "./scripts.ts";

export interface RedisSanctionOptions {
  readonly client: Redis | Cluster;
  /** Carries what is written, and the wait for replicas after it. */
  readonly writing: Redis | Cluster;
  /** Names this life of the node. */
  readonly node: string;
  readonly token: () => string;
  /** Whether as many replicas as are asked for have what was just written under keys with this hash tag. */
  readonly isReplicated: (tag: string) => Promise<boolean>;
}

/** In the hash, the end of what holds until it is lifted. */
const NO_END = "-";

export class RedisSanctions implements SharedSanctionLog {
  readonly #options: RedisSanctionOptions;
  readonly #sanction: Call;

  constructor(options: RedisSanctionOptions) {
    this.#options = options;
    this.#sanction = defineSanction(options.writing);
  }

  impose(sanction: Sanction, onDone: OnShared<"ok" | "full">): void {
    const { room, kind, uid, until, since, by } = sanction;
    const end = until === UNTIL_LIFTED ? NO_END : String(until);
    const value = until === 0 ? "" : `${end} ${since} ${by}`;
    const run = async (): Promise<"ok" | "full"> => {
      if ((await this.#run(room, `${kind} ${uid}`, value, end, since)) === "full") return "full";
      if (await this.#options.isReplicated(sanctionsTag(room))) return "ok";
      throw new Error("too few replicas have the change");
    };
    settle(run(), onDone);
  }

  all(room: string, onDone: OnShared<SharedSanctions>): void {
    settle(readSanctions(this.#options.client, room), onDone);
  }

  revision(room: string, onDone: OnShared<string>): void {
    const found = this.#options.client.hget(sanctionsKey(room), SANCTION_REVISION);
    settle(
      found.then((revision) => revision ?? ""),
      onDone,
    );
  }

  sweep(room: string, now: number, onDone: OnShared<undefined>): void {
    settle(
      this.#run(room, "", "", "", now).then(() => undefined),
      onDone,
    );
  }

  #run(room: string, field: string, value: string, end: string, now: number): Promise<unknown> {
    const { node, token } = this.#options;
    const channel = room === SITE ? SITE_NEWS_CHANNEL : liveChannel(room);
    const max = ROOM_LIMITS.sanctionsPerRoomMax;
    return this.#sanction(sanctionsKey(room), channel, field, value, end, token(), now, max, node);
  }
}

/** All of a room, or of the site. */
export async function readSanctions(client: Redis | Cluster, room: string): Promise<SharedSanctions> {
  const fields = await client.hgetall(sanctionsKey(room));
  const sanctions: Sanction[] = [];
  for (const [field, value] of Object.entries(fields)) {
    const sanction = parseSanction(room, field, value);
    if (sanction !== undefined) sanctions.push(sanction);
  }
  return { revision: fields[SANCTION_REVISION] ?? "", sanctions };
}

/** Until when a user is banned from a room or the site, Unix ms. */
export async function readBan(client: Redis | Cluster, room: string, uid: string): Promise<number> {
  const field = `ban ${uid}`;
  const values = await Promise.all([room, SITE].map((scope) => client.hget(sanctionsKey(scope), field)));
  const ends = values.map((value) => (value === null ? 0 : (parseSanction(room, field, value)?.until ?? 0)));
  return Math.max(...ends);
}

const FIELD = /^(\w+) ([\w.-]+)$/;
const VALUE = /^(-|\d{1,15}) (\d{1,15}) ([\w.-]+)$/;

/** Undefined for what no node has written. */
function parseSanction(room: string, field: string, value: string): Sanction | undefined {
  const [, name, uid] = FIELD.exec(field) ?? [];
  const [, end, since, by] = VALUE.exec(value) ?? [];
  const kind = SANCTION_KINDS.find((one) => one === name);
  if (kind === undefined || !isUid(uid) || !isUid(by)) return undefined;
  const until = end === NO_END ? UNTIL_LIFTED : Number(end);
  return { kind, room, uid, until, since: Number(since), by };
}

function settle<Result>(promise: Promise<Result>, onDone: OnShared<Result>): void {
  promise.then(onDone, (cause: unknown) => onDone(cause instanceof Error ? cause : new Error(String(cause))));
}
