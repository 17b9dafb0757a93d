import { MESSAGE_BYTES_MAX } from "@danmakud/wire";

/** Bounds of the HTTP face; each with the reason beside it. */
export interface HttpLimits {
  /** Bytes of a body; the same as of a WebSocket message. */
  readonly bodyBytesMax: number;
  /**
   * A body up to this size is taken to its end though it is refused, and thrown away: a client that writes it all before
   * it reads would otherwise see a broken connection, and no reason.
   */
  readonly bodyDiscardBytesMax: number;
  /** A whole body has to arrive in this time, so that dribbling one byte at a time holds nothing for long. */
  readonly bodyDeadlineMs: number;
  /** An event stream is opened (its `hello` is there) in this time, or the request is `unavailable`. */
  readonly eventsOpenMs: number;
  /** Silence on an event stream is broken by a comment this often: proxies cut what is quiet for 30 s or more. */
  readonly eventsCommentMs: number;
  /**
   * Bytes that an event stream holds beyond what the kernel took, before its viewer counts as not keeping up. One more
   * frame is taken past it, so a client that never reads costs this and one frame.
   */
  readonly eventsQueueBytes: number;
  /** After the end of an event stream: how long its client may take to read the rest before it is cut off. */
  readonly eventsLingerS: number;
}

export const HTTP_LIMITS: HttpLimits = {
  bodyBytesMax: MESSAGE_BYTES_MAX,
  bodyDiscardBytesMax: 64 * 1024 * 1024,
  bodyDeadlineMs: 10_000,
  eventsOpenMs: 10_000,
  eventsCommentMs: 10_000,
  eventsQueueBytes: 64 * 1024,
  eventsLingerS: 10,
};

/** Danmaku or rooms in a page where the request does not say. */
export const PAGE_DEFAULT = 100;
