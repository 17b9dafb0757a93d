/** Plays the recording into the demo room, in a loop, while anyone watches. */
import type { Draft } from "@danmakud/wire";
import type { RecordedComment } from "./recording.ts";

/** Room that the recording plays in. */
export const DEMO_ROOM = "demo";

/** How often an unwatched player looks for a watcher: someone who opens the page sees the first comment within this. */
const LOOK_EVERY_MS = 400;
/** Quiet between the end of the recording and its next round. */
const PAUSE_MS = 6_000;
/** A newcomer waits no longer than this for the first comment, even in a quiet stretch of the recording. */
const FIRST_WAIT_MS_MAX = 300;
/** More than this behind (a suspended laptop, a debugger): the stretch is left out rather than poured out at once. */
const LATE_MS_MAX = 2_000;

/** What the player needs of the world. */
export interface DemoPort {
  /** Takes a comment; a refusal is the callee's to note. */
  readonly publish: (draft: Draft) => void;
  /** Connections in the demo room. */
  readonly watchers: () => number;
  /** Milliseconds of a clock that does not go back. */
  readonly now: () => number;
  /** Calls `run` once after `delayMs`; the function it returns cancels that. */
  readonly schedule: (run: () => void, delayMs: number) => () => void;
  /** What is played, in order of `atMs`; an empty recording never is. */
  readonly recording: readonly RecordedComment[];
}

/**
 * States: `stopped` — nothing scheduled; `looking` — started, no watcher, looks for one now and then; `playing` —
 * publishes each comment when it is due. When the last watcher leaves it goes back to looking and keeps its place.
 */
export class DemoPlayer {
  readonly #port: DemoPort;
  readonly #recording: readonly RecordedComment[];
  #state: "stopped" | "looking" | "playing" = "stopped";
  #next = 0;
  /** Clock time at which the recording's present round began. */
  #roundStartMs = 0;
  #cancel: (() => void) | undefined;

  constructor(port: DemoPort) {
    this.#port = port;
    this.#recording = port.recording;
  }

  get state(): "stopped" | "looking" | "playing" {
    return this.#state;
  }

  /** Begins to look for watchers. Without effect when started already. */
  start(): void {
    if (this.#state !== "stopped" || this.#recording.length === 0) return;
    this.#state = "looking";
    this.#step();
  }

  /** Ends; may be started again, and goes on where it was. */
  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#state = "stopped";
  }

  #step(): void {
    if (this.#port.watchers() === 0) {
      this.#state = "looking";
      this.#wait(LOOK_EVERY_MS);
      return;
    }
    const now = this.#port.now();
    if (this.#state === "looking") {
      this.#state = "playing";
      this.#align(now, FIRST_WAIT_MS_MAX);
    }
    let comment = this.#recording[this.#next];
    if (comment && now - (this.#roundStartMs + comment.atMs) > LATE_MS_MAX) this.#align(now, 0);
    while (comment && this.#roundStartMs + comment.atMs <= now) {
      this.#port.publish({ ...comment.draft });
      this.#next++;
      comment = this.#recording[this.#next];
    }
    if (comment === undefined) {
      this.#next = 0;
      this.#roundStartMs = now + PAUSE_MS;
      comment = this.#recording[0];
    }
    // Looks up often enough to notice that the last watcher has left.
    const dueInMs = this.#roundStartMs + (comment?.atMs ?? 0) - now;
    this.#wait(Math.min(LOOK_EVERY_MS, Math.max(1, dueInMs)));
  }

  /** Puts the next comment `waitMs` from now at most, or at exactly its place where it is due earlier. */
  #align(now: number, waitMs: number): void {
    const atMs = this.#recording[this.#next]?.atMs ?? 0;
    this.#roundStartMs = now + waitMs - atMs;
  }

  #wait(delayMs: number): void {
    this.#cancel = this.#port.schedule(() => this.#step(), delayMs);
  }
}
