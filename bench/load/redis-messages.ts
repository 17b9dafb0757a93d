/** Commands to Redis and what comes back, as bytes (RESP2): no client stands between the load and the server. */

/** Room of the latency load. */
export const ROOM = "bench";

export interface RedisIngestOptions {
  readonly port: number;
  /** `xadd`: entries of streams; `publish`: messages of channels, which nobody keeps. */
  readonly kind: "xadd" | "publish";
  readonly rooms: number;
  /** Commands per write. */
  readonly batch: number;
  readonly contentBytes: number;
  /** Writes per connection that may wait for their answers. */
  readonly window: number;
  /** Entries kept per stream, about. */
  readonly retain: number;
}

/**
 * How viewers get what is published: every one by its own `XREAD BLOCK`, by `SUBSCRIBE`, or, to see when a node's records
 * leave Redis, by `SSUBSCRIBE` of the channel by which nodes tell each other.
 */
export type RedisWay = "xread" | "subscribe" | "live";

export interface RedisViewerOptions {
  readonly port: number;
  readonly way: RedisWay;
  readonly count: number;
  /** Viewers that decode and time every record. */
  readonly probes: number;
}

/** A command as an array of bulk strings. */
export function command(...words: readonly (string | number)[]): Buffer {
  let text = `*${words.length}\r\n`;
  for (const word of words) text += `$${Buffer.byteLength(String(word))}\r\n${word}\r\n`;
  return Buffer.from(text);
}
