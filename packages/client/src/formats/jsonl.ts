/**
 * One JSON object a line: `atMs` and the fields of a comment; or the records of a room as `danmakud export` and archives
 * write them, whose `ts` then stands for the time.
 */
import { CLASSES, isObject, MODES, parseColor, SIZE_DEFAULT, TS_MS_MAX } from "@danmakud/wire";
import {
  AT_MS_MAX,
  type RecordedComment,
  type Recording,
  RecordingReader,
  type RecordingWriter,
  toSize,
  toUid,
} from "./recorded.ts";

/** No comment is so long; a line that is was not written as one. */
const LINE_CHARS_MAX = 65_536;

/** Reads all lines. What is no comment is left out and counted. */
export function readJsonl(text: string): Recording {
  const reader = new RecordingReader();
  let startTs: number | undefined;
  for (const line of text.split(/\r?\n/)) {
    if (line.trim() === "") continue;
    const value = line.length > LINE_CHARS_MAX ? undefined : parse(line);
    // A room's archive also says what was deleted.
    if (value?.type === "delete" || value?.type === "gap") {
      reader.skip("unsupported mode");
      continue;
    }
    if (value !== undefined && isTime(value.ts, TS_MS_MAX)) startTs ??= value.ts;
    const comment = value === undefined ? undefined : toRecorded(value, startTs);
    if (comment === undefined) reader.skip("malformed");
    else reader.add(comment);
  }
  return reader;
}

/** Writes comments with everything that is known of them. */
export function jsonlWriter(): RecordingWriter {
  return { header: "", comment: (comment) => `${JSON.stringify(comment)}\n`, footer: "", leftOut: 0 };
}

function parse(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function toRecorded(
  value: Record<string, unknown>,
  startTs: number | undefined,
): RecordedComment | undefined {
  const { ts, uid, content, mode = "scroll", color = "#ffffff", size = SIZE_DEFAULT, name, attrs } = value;
  const atMs = value.atMs ?? (isTime(ts, TS_MS_MAX) && startTs !== undefined ? ts - startTs : undefined);
  const knownMode = MODES.find((known) => known === mode);
  const knownClass = CLASSES.find((known) => known === value.class);
  if (!isTime(atMs, AT_MS_MAX) || typeof content !== "string" || typeof size !== "number") return undefined;
  if (knownMode === undefined || typeof color !== "string" || parseColor(color) < 0) return undefined;
  return {
    atMs,
    uid: toUid(typeof uid === "string" ? uid : ""),
    content,
    mode: knownMode,
    color: color.toLowerCase(),
    size: toSize(size),
    ...(typeof name === "string" && name !== "" && { name }),
    ...(knownClass !== undefined && { class: knownClass }),
    ...(isObject(attrs) && { attrs }),
    ...(isTime(ts, TS_MS_MAX) && { ts }),
  };
}

function isTime(value: unknown, max: number): value is number {
  return typeof value === "number" && value >= 0 && value <= max;
}
