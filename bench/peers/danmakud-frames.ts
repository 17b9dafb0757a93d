/** What danmakud's frames hold, for counting: records in either encoding, compressed or not. */
import { inflateRawSync } from "node:zlib";
import { RECORD_TYPES, recordLength, recordStride, recordType } from "@danmakud/wire";
import type { Tally } from "./target.ts";

/** Where a record's contents begin, and where a gap keeps the lower halves of its ends; see docs/protocol.md. */
const HEADER_BYTES = 4;
const GAP_FROM = 4;
const GAP_TO = 8;
const OPENING_BRACKET = 0x5b;
/** Inside of texts these would be escaped, so they are found in records only. */
const JSON_DANMAKU = Buffer.from('{"type":"danmaku"');
const JSON_GAP = Buffer.from('{"type":"gap"');
const JSON_HELLO = Buffer.from('[{"type":"hello"');

export function countTlv(message: Uint8Array, into: Tally): void {
  for (let at = 0; at < message.length; at += recordStride(message, at)) {
    const type = recordType(message, at);
    if (type === RECORD_TYPES.danmaku) into.records++;
    else if (type === RECORD_TYPES.gap) {
      into.skipped += readU32(message, at + GAP_TO) - readU32(message, at + GAP_FROM) + 1;
    }
  }
}

export function countJson(message: Uint8Array, into: Tally): void {
  const text = Buffer.from(message.buffer, message.byteOffset, message.byteLength);
  for (let at = text.indexOf(JSON_DANMAKU); at >= 0; at = text.indexOf(JSON_DANMAKU, at + 1)) into.records++;
  for (let at = text.indexOf(JSON_GAP); at >= 0; at = text.indexOf(JSON_GAP, at + 1)) {
    const gap = JSON.parse(text.toString("utf8", at, text.indexOf("}", at) + 1)) as {
      from: number;
      to: number;
    };
    into.skipped += gap.to - gap.from + 1;
  }
}

export function isTlvHello(message: Uint8Array): boolean {
  return recordType(message, 0) === RECORD_TYPES.hello;
}

export function isJsonHello(message: Uint8Array): boolean {
  return JSON_HELLO.equals(message.subarray(0, JSON_HELLO.length));
}

/** Records of a message, those of `deflate` records too. */
export function unpackTlv(message: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < message.length; at += recordStride(message, at)) {
    if (recordType(message, at) !== RECORD_TYPES.deflate) {
      parts.push(message.subarray(at, at + recordStride(message, at)));
    } else parts.push(inflateRawSync(message.subarray(at + HEADER_BYTES, at + recordLength(message, at))));
  }
  return parts.length === 1 ? (parts[0] as Uint8Array) : Buffer.concat(parts);
}

/** A text begins with a bracket; DEFLATE of such a text never does, whichever kind of block it is in. */
export function unpackJson(message: Uint8Array): Uint8Array {
  return message[0] === OPENING_BRACKET ? message : inflateRawSync(message);
}

function readU32(bytes: Uint8Array, at: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(at, true);
}
