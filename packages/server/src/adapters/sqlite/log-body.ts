import { isLogRecord, recordOffset, recordStride } from "@danmakud/wire";

/** A row of table `log` as a reader fetches it. */
export interface LogRow {
  readonly first: number;
  readonly last: number;
  readonly records: number;
  readonly sum: number;
  readonly body: Uint8Array;
}

/** Says what is wrong with a row's content, or undefined where it is as the writer left it. */
export function faultOfRow(row: LogRow): string | undefined {
  const { body } = row;
  // In a damaged file a column may hold anything.
  if (!(body instanceof Uint8Array)) return "stored records are not bytes";
  if (Bun.hash.crc32(body) !== row.sum) return "checksum of stored records does not match";
  let records = 0;
  let last = row.first - 1;
  for (let at = 0; at < body.length; records++) {
    if (at + 16 > body.length || !isLogRecord(body, at)) return "stored bytes are not a record";
    const offset = recordOffset(body, at);
    if (offset <= last) return "stored offsets do not increase";
    last = offset;
    const stride = recordStride(body, at);
    at += stride;
    if (stride < 16 || at > body.length) return "a stored record is cut off";
  }
  return records === row.records && last === row.last
    ? undefined
    : "stored records are not those of their row";
}
