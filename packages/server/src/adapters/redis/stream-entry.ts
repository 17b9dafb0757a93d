/** Between the entries of a stream and the TLV records they stand for. */
import {
  CLASSES,
  danmakuStride,
  encodeDanmaku,
  encodeDelete,
  isUid,
  MODES,
  markSampled,
  patchLogRecord,
  RECORD_BYTES_MAX,
} from "@danmakud/wire";
import { EntryField, offsetOfId } from "./keys.ts";

/** An entry as the client gives it: its id, then names and values in turn. */
export type RawEntry = readonly [id: Buffer, fields: readonly Buffer[]];

/** The reply to a range command for Buffers, which the library types as something else. */
export function rawEntries(reply: unknown): readonly RawEntry[] {
  return reply as readonly RawEntry[];
}

/** Collects records back to back. */
export class RecordBuffer {
  count = 0;
  length = 0;
  #bytes = new Uint8Array(16 * 1024);

  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.length);
  }

  /** A buffer of its own with what was collected. */
  take(): Uint8Array {
    return this.#bytes.slice(0, this.length);
  }

  /** Room for one more record of any kind. */
  reserve(): Uint8Array {
    if (this.length + RECORD_BYTES_MAX > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(2 * this.#bytes.length, this.length + RECORD_BYTES_MAX));
      larger.set(this.bytes);
      this.#bytes = larger;
    }
    return this.#bytes;
  }

  /** Adds the record of an entry; false where somebody else has written the entry, and it is none. */
  add(entry: RawEntry): boolean {
    const end = encodeEntry(entry, this.reserve(), this.length);
    if (end === undefined) return false;
    this.length = end;
    this.count++;
    return true;
  }
}

export function entryOffset([id]: RawEntry): number {
  return offsetOfId(id.toString());
}

/** The number under which it waited for its time; undefined where it did not. */
export function entryScheduled([, words]: RawEntry): number | undefined {
  // The last field where there is one.
  if (words.at(-2)?.toString() !== EntryField.scheduled) return undefined;
  return Number(words.at(-1));
}

function encodeEntry(entry: RawEntry, into: Uint8Array, at: number): number | undefined {
  const offset = entryOffset(entry);
  const fields = new Map<string, string>();
  const words = entry[1];
  for (let i = 0; i + 1 < words.length; i += 2) fields.set(String(words[i]), String(words[i + 1]));
  const ts = Number(fields.get(EntryField.timestamp));
  if (!Number.isSafeInteger(ts) || ts < 0) return undefined;
  const end =
    fields.get(EntryField.type) === "delete"
      ? encodeDeletion(fields, into, at)
      : encodeComment(fields, into, at);
  if (end !== undefined) patchLogRecord(into, at, offset, ts);
  if (end !== undefined && fields.has(EntryField.sampled)) markSampled(into, at);
  return end;
}

type Fields = ReadonlyMap<string, string>;

function encodeDeletion(fields: Fields, into: Uint8Array, at: number): number | undefined {
  const of = fields.get(EntryField.of);
  const ofUid = fields.get(EntryField.ofUid);
  if (of !== undefined)
    return Number.isSafeInteger(Number(of)) ? encodeDelete(into, at, Number(of)) : undefined;
  return ofUid !== undefined && isUid(ofUid) ? encodeDelete(into, at, ofUid) : undefined;
}

function encodeComment(fields: Fields, into: Uint8Array, at: number): number | undefined {
  const uid = fields.get(EntryField.uid);
  const content = fields.get(EntryField.content);
  const color = fields.get(EntryField.color) ?? "#ffffff";
  const size = Number(fields.get(EntryField.size) ?? 25);
  if (uid === undefined || content === undefined || !isUid(uid)) return undefined;
  if (!/^#[0-9a-f]{6}$/.test(color) || !(size >= 12 && size <= 64)) return undefined;
  const name = fields.get(EntryField.name);
  const attrs = fields.get(EntryField.attrs);
  const danmaku = {
    uid,
    content,
    mode: Math.max(0, (MODES as readonly string[]).indexOf(fields.get(EntryField.mode) ?? "")),
    color: Number.parseInt(color.slice(1), 16),
    size,
    class: Math.max(0, (CLASSES as readonly string[]).indexOf(fields.get(EntryField.class) ?? "")),
    ...(name === undefined ? undefined : { name }),
    ...(attrs === undefined ? undefined : { attrs }),
  };
  return danmakuStride(danmaku) > RECORD_BYTES_MAX ? undefined : encodeDanmaku(into, at, danmaku);
}
