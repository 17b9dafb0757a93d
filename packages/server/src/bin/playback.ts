import type { Message, Room } from "@danmakud/client";
import { DanmakuError, type ErrorCode } from "@danmakud/wire";

/** A message and when it is due. */
export interface TimedMessage {
  /** Milliseconds from the start of the recording. */
  readonly atMs: number;
  readonly message: Message;
}

export interface PlaybackOptions {
  /** In order of time. */
  readonly messages: readonly TimedMessage[];
  readonly room: Pick<Room, "send">;
  /** Times the recorded speed; 0 = as fast as the node takes them. */
  readonly speed: number;
  /** Begin again at the end, until stopped. */
  readonly loop: boolean;
  /** Start of every key, unlike that of any other playback. */
  readonly keyPrefix: string;
}

export interface PlaybackCounts {
  readonly published: number;
  readonly acked: number;
  /** Sent again after a refusal that was for the moment only. */
  readonly retried: number;
  /** Refused for good, by code. */
  readonly refused: ReadonlyMap<ErrorCode, number>;
  /** The newest refusal of either kind. */
  readonly lastRefusal: DanmakuError | undefined;
}

/** Enough to fill a group commit many times over, and within what the SDK lets wait. */
const IN_FLIGHT_MAX = 500;
/** Where a refusal does not say when to come back: at first, doubled each time, and at most. */
const RETRY_MS_MIN = 250;
const RETRY_MS_MAX = 8_000;
/** A node that has taken none of so many will take no other: the token is a wrong one, or the room is closed. */
const REFUSED_FROM_START_MAX = 100;
/** Shorter waits are not worth a timer. */
const TIMER_MS_MIN = 1;

/**
 * Publishes messages at their time and sees to it that each is acked: what a node refuses for the moment is sent again
 * with its key, so that it cannot be published twice. While it is refused, nothing new is sent.
 */
export class Playback {
  readonly #options: PlaybackOptions;
  readonly #refused = new Map<ErrorCode, number>();
  readonly #stop = new AbortController();
  readonly #outstanding = new Set<Promise<void>>();
  #published = 0;
  #acked = 0;
  #retried = 0;
  #lastRefusal: DanmakuError | undefined;
  /** Nothing new is sent before this time, Unix ms. */
  #resumeAt = 0;
  /** Messages sent so far, for keys. */
  #number = 0;

  constructor(options: PlaybackOptions) {
    this.#options = options;
  }

  get counts(): PlaybackCounts {
    return {
      published: this.#published,
      acked: this.#acked,
      retried: this.#retried,
      refused: this.#refused,
      lastRefusal: this.#lastRefusal,
    };
  }

  get inFlight(): number {
    return this.#outstanding.size;
  }

  /** Publishes nothing new. `run` ends when what is on its way has its answer. */
  stop(): void {
    this.#stop.abort();
  }

  /** Plays to the end, and until every message has its answer. */
  async run(): Promise<void> {
    const { messages, loop } = this.#options;
    do {
      await this.#play(messages);
    } while (loop && messages.length > 0 && !this.#stop.signal.aborted);
    while (this.#outstanding.size > 0) await Promise.race(this.#outstanding);
  }

  async #play(messages: readonly TimedMessage[]): Promise<void> {
    const { speed } = this.#options;
    // Silence before the first comment is left out: nobody looks at it.
    const startMs = Date.now() - (speed > 0 ? (messages[0]?.atMs ?? 0) / speed : 0);
    for (const { atMs, message } of messages) {
      if (speed > 0) await this.#sleepUntil(startMs + atMs / speed);
      while (this.#outstanding.size >= IN_FLIGHT_MAX) await Promise.race(this.#outstanding);
      await this.#sleepUntil(this.#resumeAt);
      if (this.#stop.signal.aborted) return;
      this.#publish({ ...message, key: `${this.#options.keyPrefix}-${this.#number++}` });
    }
  }

  #publish(message: Message): void {
    this.#published++;
    const settled: Promise<void> = this.#deliver(message).finally(() => this.#outstanding.delete(settled));
    this.#outstanding.add(settled);
  }

  async #deliver(message: Message): Promise<void> {
    for (let retryMs = RETRY_MS_MIN; ; retryMs = Math.min(2 * retryMs, RETRY_MS_MAX)) {
      try {
        await this.#options.room.send(message);
        this.#acked++;
        return;
      } catch (error) {
        if (!(error instanceof DanmakuError)) throw error;
        this.#lastRefusal = error;
        if (!error.retryable || this.#stop.signal.aborted) {
          this.#refuse(error);
          return;
        }
        this.#retried++;
        this.#resumeAt = Math.max(this.#resumeAt, Date.now() + (error.retryAfterMs ?? retryMs));
        await this.#sleepUntil(this.#resumeAt);
      }
    }
  }

  #refuse({ code }: DanmakuError): void {
    this.#refused.set(code, (this.#refused.get(code) ?? 0) + 1);
    if (this.#acked === 0 && this.#published >= REFUSED_FROM_START_MAX) this.stop();
  }

  async #sleepUntil(timeMs: number): Promise<void> {
    const { signal } = this.#stop;
    const waitMs = timeMs - Date.now();
    if (waitMs < TIMER_MS_MIN || signal.aborted) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(done, waitMs);
      signal.addEventListener("abort", done);
      function done(): void {
        clearTimeout(timer);
        signal.removeEventListener("abort", done);
        resolve();
      }
    });
  }
}
