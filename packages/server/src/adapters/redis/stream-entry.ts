/** Between the entries of a stream and the TLV records they stand for. */
import {
  CLASSES,
  danmakuStride,
  encodeDanmaku,
  encodeDelete,
  MODES,
  markSampled,
  parseColor,
  patchLogRecord,
  RECORD_BYTES_MAX,
} from "@danmakud/wire";
import { EntryField, offsetOfId } from "./keys.ts";

/** An entry as the client gives it: its id, then names and values in turn. */
export type RawEntry = readonly [id: Buffer, fields: readonly Buffer[]];

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

  /** Adds the record of an entry. @throws Error where the entry is none of ours. */
  add(entry: RawEntry): void {
    this.length = encodeEntry(entry, this.reserve(), this.length);
    this.count++;
  }
}

export function entryOffset([id]: RawEntry): number {
  return offsetOfId(id.toString());
}

function encodeEntry(entry: RawEntry, into: Uint8Array, at: number): number {
  const offset = entryOffset(entry);
  const fields = new Map<string, string>();
  const words = entry[1];
  for (let i = 0; i + 1 < words.length; i += 2) fields.set(String(words[i]), String(words[i + 1]));
  const ts = Number(fields.get(EntryField.timestamp));
  if (fields.get(EntryField.type) === "delete") {
    const of = fields.get(EntryField.of);
    const end = encodeDelete(into, at, of === undefined ? (fields.get(EntryField.ofUid) ?? "") : Number(of));
    patchLogRecord(into, at, offset, ts);
    return end;
  }
  const name = fields.get(EntryField.name);
  const attrs = fields.get(EntryField.attrs);
  const danmaku = {
    uid: fields.get(EntryField.uid) ?? "",
    content: fields.get(EntryField.content) ?? "",
    mode: Math.max(0, (MODES as readonly string[]).indexOf(fields.get(EntryField.mode) ?? "")),
    color: parseColor(fields.get(EntryField.color) ?? "#ffffff"),
    size: Number(fields.get(EntryField.size) ?? 25),
    class: Math.max(0, (CLASSES as readonly string[]).indexOf(fields.get(EntryField.class) ?? "")),
    ...(name === undefined ? undefined : { name }),
    ...(attrs === undefined ? undefined : { attrs }),
  };
  if (danmaku.uid === "" || danmakuStride(danmaku) > RECORD_BYTES_MAX || !Number.isSafeInteger(ts)) {
    throw new Error(`entry ${entry[0].toString()} is no danmaku of this version`);
  }
  const end = encodeDanmaku(into, at, danmaku);
  patchLogRecord(into, at, offset, ts);
  if (fields.has(EntryField.sampled)) markSampled(into, at);
  return end;
}
