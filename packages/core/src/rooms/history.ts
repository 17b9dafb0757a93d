/** Danmaku of the past, for those who ask by HTTP. */
import { RECORD_TYPES, recordStride, recordType } from "@danmakud/wire";
import type { RoomLogReader } from "../ports/index.ts";
import type { HistoryQuery } from "./hub.ts";
import { ROOM_LIMITS } from "./limits.ts";

/** Rounds of reading for one question: with this many, even a page full of holes comes to an end. */
const ROUNDS_MAX = 64;

/** The danmaku records that answer a query, back to back; nothing after `head`, which must be on disk. */
export function readHistory(log: RoomLogReader, room: string, head: number, query: HistoryQuery): Uint8Array {
  const wanted = "last" in query ? query.last : query.limit;
  let after = "last" in query ? log.positionOfLast(room, wanted, head) : query.after;
  const parts: Uint8Array[] = [];
  let found = 0;
  for (let round = 0; round < ROUNDS_MAX && after < head && found < wanted; round++) {
    const page = log.read(room, after, head, {
      recordsMax: Math.min(wanted - found, ROOM_LIMITS.pageRecordsMax),
      bytesMax: ROOM_LIMITS.pageBytesMax,
    });
    for (let at = 0; at < page.bytes.length && found < wanted; at += recordStride(page.bytes, at)) {
      if (recordType(page.bytes, at) !== RECORD_TYPES.danmaku) continue;
      parts.push(page.bytes.subarray(at, at + recordStride(page.bytes, at)));
      found++;
    }
    if (page.next <= after) break;
    after = page.next;
  }
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let end = 0;
  for (const part of parts) {
    bytes.set(part, end);
    end += part.length;
  }
  return bytes;
}
