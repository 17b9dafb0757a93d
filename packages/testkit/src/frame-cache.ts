import { decodeRecords, type ServerRecord } from "@danmakud/wire";

/**
 * Reads frames of a server into records. A node sends the same frame to all viewers of a room that stand at the same
 * place, and many viewers share a test process, so the last frame of each form is kept: one that is equal byte for
 * byte gives the same record objects again.
 */
let lastText = "";
let textRecords: readonly ServerRecord[] = [];
let lastBytes = new Uint8Array(0);
let byteRecords: readonly ServerRecord[] = [];

/** Records of a text frame. Throws where it is not a JSON array of at least one. */
export function readTextFrame(text: string): readonly ServerRecord[] {
  if (text === lastText) return textRecords;
  const records: unknown = JSON.parse(text);
  if (!Array.isArray(records)) throw new Error(`a text frame that is no array: ${text.slice(0, 80)}`);
  if (records.length === 0) throw new Error("a text frame with an empty array");
  lastText = text;
  textRecords = records;
  return textRecords;
}

/** Records of a binary frame. Throws where its bytes are no sequence of records. */
export function readBinaryFrame(bytes: Uint8Array<ArrayBuffer>): readonly ServerRecord[] {
  if (bytes.length === lastBytes.length && Buffer.compare(bytes, lastBytes) === 0) return byteRecords;
  const records = decodeRecords(bytes) as ServerRecord[];
  if (records.length === 0) throw new Error("an empty binary frame");
  lastBytes = bytes;
  byteRecords = records;
  return byteRecords;
}
