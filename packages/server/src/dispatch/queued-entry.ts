/** An entry on its way from a room's stream to the sinks. */
import type { SinkEntry } from "./sink.ts";

/** How an entry is tried: with other rooms', with its room's only, or by itself. */
export const Company = { any: 0, room: 1, none: 2 } as const;
export type Company = (typeof Company)[keyof typeof Company];

export interface QueuedEntry {
  /** As the stream has it, `<offset>-0`. */
  readonly id: string;
  readonly offset: number;
  /** The epoch that begins with this entry, where one does. */
  readonly newEpoch: string | undefined;
  /** What the sinks get; a text says why it cannot be given to any. */
  readonly entry: SinkEntry | string;
  /** Size in memory, roughly. */
  readonly chars: number;
  readonly readAtMs: number;
  /** Calls of a sink with it that failed, or that a worker did not survive. */
  tries: number;
  company: Company;
  /** A bit for each sink that has it. */
  taken: number;
}

/** Digits of a time or offset. */
const NUMBER = /^\d{1,16}$/;

/**
 * Takes an entry of a stream apart.
 * @param id its id; anything but `<offset>-0` was not written by a node.
 * @param fields names and values in turn.
 */
export function queueEntry(
  room: string,
  epoch: string,
  id: string,
  fields: readonly string[],
  readAtMs: number,
): QueuedEntry {
  const dash = id.indexOf("-");
  const offset = Number(id.slice(0, dash));
  let chars = 100;
  for (const text of fields) chars += text.length;
  const newEpoch = epochIn(fields);
  const entry =
    id.slice(dash) === "-0"
      ? parseFields(room, newEpoch ?? epoch, offset, fields)
      : "its id is not <offset>-0";
  return { id, offset, newEpoch, entry, chars, readAtMs, tries: 0, company: Company.any, taken: 0 };
}

/** The first entry of an epoch names it in its last field. */
function epochIn(fields: readonly string[]): string | undefined {
  return fields[fields.length - 2] === "epoch" ? fields[fields.length - 1] : undefined;
}

/** @hot Guarded by the benchmark `dispatch`. */
function parseFields(
  room: string,
  epoch: string,
  offset: number,
  fields: readonly string[],
): SinkEntry | string {
  let ts = "";
  let uid: string | undefined;
  let content: string | undefined;
  let [mode, color, size, rank] = ["scroll", "#ffffff", "25", "normal"];
  let name: string | undefined;
  let attrs: string | undefined;
  let type = "danmaku";
  let of: string | undefined;
  let ofUid: string | undefined;
  let isSampled = false;
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const value = fields[at + 1] ?? "";
    switch (fields[at]) {
      case "timestamp":
        ts = value;
        break;
      case "uid":
        uid = value;
        break;
      case "content":
        content = value;
        break;
      case "mode":
        mode = value;
        break;
      case "color":
        color = value;
        break;
      case "size":
        size = value;
        break;
      case "class":
        rank = value;
        break;
      case "name":
        name = value;
        break;
      case "attrs":
        attrs = value;
        break;
      case "type":
        type = value;
        break;
      case "of":
        of = value;
        break;
      case "ofUid":
        ofUid = value;
        break;
      case "sampled":
        isSampled = value === "1";
        break;
    }
  }
  if (!NUMBER.test(ts)) return "it has no timestamp";
  if (type === "delete") {
    if (of === undefined && ofUid === undefined) return "a delete of nothing";
    const what = of === undefined ? { ofUid: ofUid ?? "" } : { of: Number(of) };
    return { room, epoch, offset, type, ts: Number(ts), ...what };
  }
  if (type !== "danmaku") return `its type is ${type.slice(0, 40)}`;
  if (uid === undefined || content === undefined) return "it has no uid or no content";
  const entry = {
    room,
    epoch,
    offset,
    type: "danmaku" as const,
    ts: Number(ts),
    uid,
    content,
    mode,
    color,
    size: Number(size),
    class: rank,
  };
  if (name === undefined && attrs === undefined && !isSampled) return entry;
  return {
    ...entry,
    ...(name === undefined ? undefined : { name }),
    ...(attrs === undefined ? undefined : { attrs: parseAttrs(attrs) }),
    ...(isSampled ? { sampled: true as const } : undefined),
  };
}

/** JSON as the sender gave it; a text that is none stays a text. */
function parseAttrs(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
