/** What servers send as text, parsed by clients; and an error as the record that tells a client of it. */
import { DanmakuError, invalid } from "./error.ts";
import type { ErrorRecord, ServerRecord } from "./record.ts";
import { asRecord } from "./record-check.ts";

/** Parses a text frame of a server: a JSON array of records, each checked. Throws `invalid_message`. */
export function parseServerText(text: string): ServerRecord[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new DanmakuError("invalid_message", "frame is not JSON", { cause });
  }
  if (!Array.isArray(value)) invalid("frame is not a JSON array");
  for (let i = 0; i < value.length; i++) {
    const { type } = asRecord(value[i]);
    if (type === "publish" || type === "ping") invalid(`${type} is not a record of servers`);
  }
  return value as ServerRecord[];
}

/** The record that tells a client of an error; `id` where it answers a message of the client. */
export function errorRecord(error: DanmakuError, id?: number): ErrorRecord {
  const { code, message, retryAfterMs } = error;
  return {
    type: "error",
    code,
    message,
    ...(id === undefined ? {} : { id }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
}
