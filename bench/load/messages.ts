/** What the bench and its load processes say to each other. */
import type { IngestCounts, IngestOptions } from "./ingest-pool.ts";
import type { JoinCounts, JoinOptions } from "./join-pool.ts";
import type { RedisIngestOptions, RedisViewerOptions } from "./redis-messages.ts";
import type { PoolCounts } from "./viewer-pool.ts";

/** First argument of a load process, as JSON. */
export type Role =
  | {
      readonly role: "viewers";
      readonly system: string;
      readonly port: number;
      readonly first: number;
      readonly count: number;
      readonly probes: number;
      readonly pauseMicros: number;
      readonly stalled: number;
      readonly connectLimitMs: number;
    }
  | { readonly role: "publisher"; readonly system: string; readonly port: number }
  | ({ readonly role: "ingest" } & IngestOptions)
  | ({ readonly role: "joins" } & JoinOptions)
  | ({ readonly role: "redisIngest" } & RedisIngestOptions)
  | ({ readonly role: "redisViewers" } & RedisViewerOptions)
  | { readonly role: "redisPublisher"; readonly way: RedisViewerOptions["way"]; readonly port: number };

export type Order =
  /** Viewers: count from zero; those who are to stall do so from now on, or read. */
  | { readonly order: "reset"; readonly stalls: boolean }
  /** Viewers: those who read nothing read what is there, and go on reading. */
  | { readonly order: "readStalled" }
  /** Viewers: report when `records` have come to every viewer, or nothing has for `quietMs`, or at the limit. */
  | {
      readonly order: "drain";
      readonly records: number;
      readonly quietMs: number;
      readonly limitMs: number;
    }
  /** Publisher: run a schedule. */
  | {
      readonly order: "publish";
      readonly ratePerSecond: number;
      readonly seconds: number;
      readonly tickMicros: number;
      readonly first: number;
    }
  /** Publisher: wait for answers to what was sent, for so long. */
  | { readonly order: "settle"; readonly limitMs: number }
  /** Ingest: publish for so long, count what is answered in that time. */
  | { readonly order: "pump"; readonly seconds: number }
  /** Ingest: wait for all answers. */
  | { readonly order: "finish" }
  /** Joins: forget all, then join all viewers as fast as they are let in. */
  | { readonly order: "storm"; readonly limitMs: number }
  /** Joins: wait until all have come back and have everything up to `head`, or the limit. */
  | { readonly order: "recover"; readonly head: number; readonly limitMs: number };

export interface ViewersReport {
  readonly counts: PoolCounts;
  readonly missing: { readonly closed: number; readonly lost: number; readonly twice: number };
  /** See `LatencyHistogram.toText`. */
  readonly latency: string;
}

export interface PublisherReport {
  readonly offered: number;
  readonly sent: number;
  readonly lateMicrosMax: number;
}

export interface SettledReport {
  /** Of all that was sent since the start. */
  readonly sent: number;
  readonly refused: number;
}

export interface IngestReport {
  readonly counts: IngestCounts;
  readonly latency: string;
  /** Highest acknowledged offset of each room. */
  readonly ackedOffsets: readonly number[];
}

export interface JoinReport {
  readonly counts: JoinCounts;
  /** Of a storm. */
  readonly seconds: number;
  readonly latency: string;
  readonly recovered: number;
  /** When the last viewer joined, shared µs. */
  readonly lastJoinMicros: number;
  /** Offsets of danmaku that one of the viewers saw. */
  readonly seen: readonly number[];
}

export type Answer =
  | { readonly answer: "ready" }
  | { readonly answer: "failed"; readonly message: string }
  | { readonly answer: "done" }
  | { readonly answer: "viewers"; readonly report: ViewersReport }
  | { readonly answer: "published"; readonly report: PublisherReport }
  | { readonly answer: "settled"; readonly report: SettledReport }
  | { readonly answer: "ingested"; readonly report: IngestReport }
  | { readonly answer: "joined"; readonly report: JoinReport };
