/**
 * What a sink is: the place to which dispatch workers bring the danmaku of all rooms. A module with a sink of your own
 * exports one as `createSink`, see docs/dispatch.md.
 */

/** A danmaku as it lies in the room's log. */
export interface DanmakuEntry {
  readonly room: string;
  /** Names one life of the room's log; (room, epoch, offset) names a record for good. */
  readonly epoch: string;
  /** Increases within a room and epoch. */
  readonly offset: number;
  readonly type: "danmaku";
  /** Unix milliseconds, by the server. */
  readonly ts: number;
  readonly uid: string;
  readonly content: string;
  readonly mode: string;
  /** `#rrggbb`. */
  readonly color: string;
  readonly size: number;
  readonly class: string;
  readonly name?: string;
  readonly attrs?: unknown;
  /** Only its sender saw it: more came than the room's `maxRate` lets be seen. */
  readonly sampled?: true;
}

/** Takes the danmaku `of`, or all of `ofUid` before this offset, off the screen. */
export interface DeleteEntry {
  readonly room: string;
  readonly epoch: string;
  readonly offset: number;
  readonly type: "delete";
  readonly ts: number;
  readonly of?: number;
  readonly ofUid?: string;
}

export type SinkEntry = DanmakuEntry | DeleteEntry;

/** What a sink is told when it is made. */
export interface SinkContext {
  /** This worker's name, unique among the running ones. */
  readonly worker: string;
  /** What stood behind `?` in `--sink ./my-sink.ts?topic=danmaku`. */
  readonly options: Readonly<Record<string, string>>;
  readonly log: SinkLogger;
}

/** Structured log of the worker; the form of pino. */
export interface SinkLogger {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Where entries go. */
export interface Sink {
  /** For logs and metrics. */
  readonly name: string;
  /** Entries per call at most. Default 1,000. */
  readonly batchEntriesMax?: number;
  /** Calls under way at once at most. Default: what `--concurrency` says. */
  readonly concurrencyMax?: number;
  /**
   * Stores a batch of entries of any number of rooms, those of one room in the order of their offsets. Two calls under
   * way at once never have entries of the same room. Resolves when all of it is stored: the entries are acknowledged
   * then, and never come again from this group, save that a crash in between brings them a second time.
   *
   * Rejects with
   * - `SinkUnavailableError`: the place is away. All entries wait, nothing is counted against them;
   * - `SinkRejectedError`: it will never take (one of) these. The culprit is found by trying them one by one, and goes
   *   to the dead letters at once;
   * - anything else: tried again with pauses, first by room, then one by one. An entry that has failed five times goes
   *   to the dead letters. The room's later entries wait for it, other rooms do not.
   */
  write(entries: readonly SinkEntry[], signal: AbortSignal): Promise<void>;
  /** Called once, when the worker stops and no call is under way. */
  close?(): Promise<void>;
}

/** What a sink's module exports as `createSink`. */
export type CreateSink = (context: SinkContext) => Sink | Promise<Sink>;

/** The place is away; nothing is wrong with the entries. */
export class SinkUnavailableError extends Error {
  override readonly name = "SinkUnavailableError";
  /** When to try again at the earliest, if the place said so. */
  readonly retryAfterMs: number | undefined;

  constructor(message: string, options: ErrorOptions & { readonly retryAfterMs?: number | undefined } = {}) {
    super(message, options);
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** The place will never take (one of) these entries. */
export class SinkRejectedError extends Error {
  override readonly name = "SinkRejectedError";
}

/** Known by name: a sink's module may come with a copy of these classes of its own, or throw any error of that name. */
export function failureKind(error: unknown): "unavailable" | "rejected" | "failed" {
  const name = error instanceof Error ? error.name : undefined;
  if (name === "SinkUnavailableError") return "unavailable";
  return name === "SinkRejectedError" ? "rejected" : "failed";
}
