/** What the measuring process and its crowds (see `crowd-process.ts`) say to each other: a line of JSON each. */

/** Connections of a kind to one node. */
export interface Block {
  readonly address: string;
  readonly port: number;
  /** Number of the first room; `rooms` of them are dealt out in turn. */
  readonly firstRoom: number;
  readonly rooms: number;
  /** Publishers are services: they may publish as fast as they like. */
  readonly role: "viewer" | "service";
  /** Number, at this node, of the first connection. */
  readonly from: number;
  readonly count: number;
}

export type Command =
  | { readonly do: "open"; readonly block: Block }
  /** Sets the counts to zero. */
  | { readonly do: "reset" }
  | { readonly do: "count"; readonly latency: boolean }
  | { readonly do: "publish"; readonly perSecond: number; readonly seconds: number };

export type Answer =
  | { readonly says: "opened"; readonly micros: number }
  | { readonly says: "counts"; readonly counts: Counts; readonly latency: string }
  | { readonly says: "published"; readonly sent: readonly number[]; readonly lateness: string }
  | { readonly says: "failed"; readonly why: string };

/** What a crowd has seen since the last reset, but for the first two. */
export interface Counts {
  /** Connections that got their hello and have not ended. */
  joined: number;
  /** Connections that had got their hello and ended. */
  closed: number;
  /** Handshakes that had to be tried again. */
  retries: number;
  danmaku: number;
  /** Danmaku that the node announced as left out. */
  skipped: number;
  /** Offsets that did not follow the one before. */
  holes: number;
  acks: number;
  errors: number;
  pings: number;
  frames: number;
  bytes: number;
}

export const noCounts = (): Counts => ({
  joined: 0,
  closed: 0,
  retries: 0,
  danmaku: 0,
  skipped: 0,
  holes: 0,
  acks: 0,
  errors: 0,
  pings: 0,
  frames: 0,
  bytes: 0,
});
