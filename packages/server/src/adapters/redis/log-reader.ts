/**
 * A gateway's view of the logs in Redis. What is asked for is fetched, and given at the second asking: `onReady` says
 * when. Pages are kept for a moment, since many viewers tend to stand at the same place.
 */
import {
  type LogPage,
  type PageLimits,
  type RoomLogReader,
  type Sanction,
  type SanctionKind,
  type ScheduledDanmaku,
  type StoredRoom,
  StoreError,
} from "@danmakud/core/ports";
import { PageBuilder, RETRY_AFTER_MS, ROOM_LIMITS } from "@danmakud/core/rooms";
import { DanmakuError, recordStride } from "@danmakud/wire";
import type { Cluster, Redis } from "ioredis";
import { entryId, streamKey } from "./keys.ts";
import { REDIS_LIMITS } from "./limits.ts";
import { readBan, readSanctions } from "./sanctions.ts";
import { isWaiting, listScheduled } from "./schedules.ts";
import { type Call, defineList } from "./scripts.ts";
import { entryOffset, RecordBuffer, rawEntries } from "./stream-entry.ts";

/** Something that is being fetched, or is here. */
interface Fetched<Value> {
  value: Value | undefined;
  error: Error | undefined;
  /** When it came, or was asked for, monotonic ms. */
  at: number;
  readonly waiting: Set<() => void>;
}

export class RedisLogReader implements RoomLogReader {
  readonly #client: Redis | Cluster;
  readonly #pages = new Map<string, Fetched<LogPage>>();
  readonly #positions = new Map<string, Fetched<number>>();
  readonly #close: () => void;
  readonly #list: Call;
  #fetching = 0;

  constructor(client: Redis | Cluster, close: () => void) {
    this.#client = client;
    this.#list = defineList(client);
    this.#close = close;
  }

  read(
    name: string,
    after: number,
    through: number,
    limits: PageLimits,
    onReady?: () => void,
  ): LogPage | undefined {
    // Not by `through`: it moves while a viewer reads, and a page that ends before it serves as well.
    const key = `${name} ${after} ${limits.recordsMax}`;
    const kept = this.#pages.get(key);
    if (kept?.value !== undefined && kept.value.next > through) this.#pages.delete(key);
    return this.#get(this.#pages, key, onReady, () => this.#fetchPage(name, after, through, limits));
  }

  positionOfLast(name: string, records: number, through: number, onReady?: () => void): number | undefined {
    if (records <= 0) return through;
    const key = `${name} ${records} ${through}`;
    return this.#get(this.#positions, key, onReady, () => this.#fetchPosition(name, records, through));
  }

  // What the sequencer of a node asks of its own log; in Redis the log itself answers it.
  room(): StoredRoom | undefined {
    return undefined;
  }
  keys(): Iterable<never> {
    return [];
  }
  settings(): string {
    return "";
  }
  list(): readonly string[] {
    return [];
  }
  count(): number {
    return 0;
  }
  untouchedSince(): readonly string[] {
    return [];
  }

  async sanctions(
    room: string,
    kind: SanctionKind,
    now: number,
    after: string,
    limit: number,
  ): Promise<readonly Sanction[]> {
    const { sanctions } = await this.#answered(() => readSanctions(this.#client, room));
    return sanctions
      .filter((one) => one.kind === kind && one.until > now && one.uid > after)
      .sort((a, b) => (a.uid < b.uid ? -1 : 1))
      .slice(0, limit);
  }
  bannedUntil(room: string, uid: string): Promise<number> {
    return this.#answered(() => readBan(this.#client, room, uid));
  }
  allSanctions(): Iterable<never> {
    return [];
  }

  async scheduled(
    room: string,
    after: { readonly deliverAt: number; readonly number: number },
    limit: number,
  ): Promise<readonly ScheduledDanmaku[]> {
    return await this.#answered(() => listScheduled(this.#list, room, after, limit));
  }
  async isScheduled(room: string, number: number): Promise<boolean> {
    return await this.#answered(() => isWaiting(this.#client, room, number));
  }

  // Who delivers them asks the log in Redis itself.
  allScheduled(): Iterable<never> {
    return [];
  }
  lastScheduled(): number {
    return 0;
  }

  close(): void {
    this.#close();
  }

  #get<Value>(
    kept: Map<string, Fetched<Value>>,
    key: string,
    onReady: (() => void) | undefined,
    fetch: () => Promise<Value>,
  ): Value | undefined {
    const now = performance.now();
    const found = kept.get(key);
    if (found !== undefined) {
      const isOver = found.value !== undefined || found.error !== undefined;
      if (!isOver) {
        if (onReady !== undefined) found.waiting.add(onReady);
        return undefined;
      }
      if (now - found.at > REDIS_LIMITS.pageKeptMs || found.error !== undefined) kept.delete(key);
      if (found.error !== undefined)
        throw new StoreError("io", "the log in Redis cannot be read", { cause: found.error });
      if (now - found.at <= REDIS_LIMITS.pageKeptMs) return found.value;
    }
    if (this.#fetching >= REDIS_LIMITS.readsMax) {
      // Its turn comes; who waits for it is told by whoever is done first.
      if (onReady !== undefined) this.#queued.add(onReady);
      return undefined;
    }
    const entry: Fetched<Value> = { value: undefined, error: undefined, at: now, waiting: new Set() };
    if (onReady !== undefined) entry.waiting.add(onReady);
    kept.set(key, entry);
    this.#bound(kept);
    this.#fetching++;
    this.#retrying(fetch, now + REDIS_LIMITS.readTimeoutMs)
      .then(
        (value) => {
          entry.value = value;
        },
        (cause: unknown) => {
          entry.error = cause instanceof Error ? cause : new Error(String(cause));
        },
      )
      .then(() => {
        this.#fetching--;
        entry.at = performance.now();
        const ready = [...entry.waiting, ...this.#queued];
        entry.waiting.clear();
        this.#queued.clear();
        for (const call of ready) call();
      });
    return undefined;
  }

  readonly #queued = new Set<() => void>();

  async #answered<Value>(fetch: () => Promise<Value>): Promise<Value> {
    try {
      return await this.#retrying(fetch, performance.now() + ROOM_LIMITS.answerTimeoutMs);
    } catch (cause) {
      const retryAfterMs = RETRY_AFTER_MS.unavailable;
      throw new DanmakuError("unavailable", "the log does not answer", { cause, retryAfterMs });
    }
  }

  /** A server that is away for a moment costs a moment. */
  async #retrying<Value>(fetch: () => Promise<Value>, deadline: number): Promise<Value> {
    for (;;) {
      try {
        return await fetch();
      } catch (cause) {
        if (performance.now() + REDIS_LIMITS.reconnectMsMax / 4 > deadline) throw cause;
        await Bun.sleep(REDIS_LIMITS.reconnectMsMax / 4);
      }
    }
  }

  /** Oldest first out, but for what is on its way. */
  #bound<Value>(kept: Map<string, Fetched<Value>>): void {
    for (const [key, { value, error }] of kept) {
      if (kept.size <= REDIS_LIMITS.pagesKeptMax) return;
      if (value !== undefined || error !== undefined) kept.delete(key);
    }
  }

  async #fetchPage(name: string, after: number, through: number, limits: PageLimits): Promise<LogPage> {
    const { recordsMax } = limits;
    const key = streamKey(name);
    const replies = await Promise.all([
      this.#client.xrangeBuffer(key, entryId(after + 1), entryId(through), "COUNT", recordsMax),
      this.#client.xrangeBuffer(key, "-", "+", "COUNT", 1),
    ]);
    const entries = rawEntries(replies[0]);
    const oldest = rawEntries(replies[1]);
    const page = new PageBuilder(after, limits);
    const floor = oldest[0] === undefined ? through + 1 : entryOffset(oldest[0]);
    if (floor > after + 1) page.gap(Math.min(floor - 1, through), "trimmed");
    const records = new RecordBuffer();
    const known = entries.filter((entry) => records.add(entry));
    let at = 0;
    for (const entry of known) {
      const stride = recordStride(records.bytes, at);
      if (!page.record(records.bytes, at, stride, entryOffset(entry))) return page.finish();
      at += stride;
    }
    if (entries.length < recordsMax) page.gap(through, "lost");
    return page.finish();
  }

  async #fetchPosition(name: string, records: number, through: number): Promise<number> {
    const last = rawEntries(
      await this.#client.xrevrangeBuffer(streamKey(name), entryId(through), "-", "COUNT", records),
    ).at(-1);
    return last === undefined ? through : entryOffset(last) - 1;
  }
}
