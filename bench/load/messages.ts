/** What the bench and its load processes say to each other. */
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
      readonly connectLimitMs: number;
    }
  | { readonly role: "publisher"; readonly system: string; readonly port: number };

export type Order =
  /** Viewers: count from zero. */
  | { readonly order: "reset" }
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
  | { readonly order: "settle"; readonly limitMs: number };

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

export type Answer =
  | { readonly answer: "ready" }
  | { readonly answer: "failed"; readonly message: string }
  | { readonly answer: "done" }
  | { readonly answer: "viewers"; readonly report: ViewersReport }
  | { readonly answer: "published"; readonly report: PublisherReport }
  | { readonly answer: "settled"; readonly report: SettledReport };
