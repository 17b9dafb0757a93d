/** What all file formats of comments have in common. */
import {
  type Attrs,
  type DanmakuClass,
  type DanmakuRecord,
  isUid,
  type Mode,
  NAME_CHARS_MAX,
  SIZE_MAX,
  SIZE_MIN,
} from "@danmakud/wire";

/** One comment of a recording, not yet checked against the rules for content. */
export interface RecordedComment {
  /** Milliseconds from the start of the recording. */
  readonly atMs: number;
  /** Who wrote it, as a uid: characters that a uid cannot have are replaced. */
  readonly uid: string;
  /** Control characters are out already. */
  readonly content: string;
  readonly mode: Mode;
  /** `#rrggbb` */
  readonly color: string;
  /** Within what danmakud allows. */
  readonly size: number;
  readonly name?: string;
  readonly class?: DanmakuClass;
  readonly attrs?: Attrs;
  /** Unix ms at which it was made, where that is known. */
  readonly ts?: number;
}

/** Why an entry is left out. */
export type SkipReason = "malformed" | "unsupported mode" | "empty";

/** What was found in a file. */
export interface Recording {
  /** In the order of the file, which need not be that of time. */
  readonly comments: readonly RecordedComment[];
  readonly skipped: ReadonlyMap<SkipReason, number>;
  /** Control characters that were taken out of comments. */
  readonly controlCharacters: number;
}

/**
 * Writes a file piece by piece, so that a recording of any length needs little memory: `header`, then `comment` for each in
 * order of time, then `footer`.
 */
export interface RecordingWriter {
  readonly header: string;
  /** The text of one comment; empty where it is left out. */
  readonly comment: (comment: RecordedComment) => string;
  readonly footer: string;
  /** Comments left out so far, because the picture had no room for them. */
  readonly leftOut: number;
}

/** Thirty days: later than that is a damaged number, and a replay that never ends. */
export const AT_MS_MAX = 30 * 86_400_000;
const UNKNOWN_SENDER = "unknown";
const CONTROLS = /\p{Cc}/gu;

/** A danmaku of a room as a comment of a recording that began at `startTs` (Unix ms). */
export function toComment(record: DanmakuRecord, startTs: number): RecordedComment {
  const { type, offset, ...comment } = record;
  return { ...comment, atMs: record.ts - startTs };
}

/** The sender as a uid. */
export function toUid(sender: string): string {
  const isUsable: boolean = isUid(sender);
  if (isUsable) return sender;
  const uid = sender.replace(/[^A-Za-z0-9_.-]/g, "_").slice(0, NAME_CHARS_MAX);
  return uid === "" ? UNKNOWN_SENDER : uid;
}

/** The nearest size that danmakud allows. */
export function toSize(size: number): number {
  return Math.round(Math.min(SIZE_MAX, Math.max(SIZE_MIN, size)));
}

/** Gathers what a reader finds. */
export class RecordingReader implements Recording {
  readonly comments: RecordedComment[] = [];
  readonly skipped = new Map<SkipReason, number>();
  controlCharacters = 0;

  /** Adds a comment once its control characters are out: line breaks and tabs part words, the rest shows nothing. */
  add(comment: RecordedComment): void {
    const content = comment.content
      .replace(/[\t\n\v\f\r\u0085]+/g, " ")
      .replace(CONTROLS, "")
      .trim();
    if (content === "") {
      this.skip("empty");
      return;
    }
    this.controlCharacters += comment.content.trim().match(CONTROLS)?.length ?? 0;
    this.comments.push({ ...comment, content });
  }

  skip(reason: SkipReason): void {
    this.skipped.set(reason, (this.skipped.get(reason) ?? 0) + 1);
  }
}
