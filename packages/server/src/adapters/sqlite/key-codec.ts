/**
 * Packed idempotency keys of one room and commit.
 *
 *     row  = entry*
 *     entry = offset delta : varint, ts delta : varint, uidBytes : u8, keyBytes : u8, uid, key
 *
 * Deltas are zigzag varints against the entry before, the first against 0. A key costs about 4 bytes beyond its text.
 */
import type { AppendKey, StoredKey } from "@danmakud/core/ports";
import { KEYS_PER_ROW_MAX } from "./limits.ts";

/** Longest uid and key: 64 bytes each by the wire; a byte each for the lengths leaves room for more. */
const TEXT_BYTES_MAX = 255;
const ENTRY_BYTES_MAX = 8 + 8 + 2 + 2 * TEXT_BYTES_MAX;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/** Packs keys into one reused buffer. */
export class KeyPacker {
  readonly #buffer = new Uint8Array(KEYS_PER_ROW_MAX * ENTRY_BYTES_MAX);
  #at = 0;

  /** Packs `keys[from]` up to `keys[to - 1]`. The result is valid until the next call. */
  pack(keys: readonly AppendKey[], from: number, to: number): Uint8Array {
    this.#at = 0;
    let offset = 0;
    let ts = 0;
    for (let i = from; i < to; i++) {
      const key = keys[i] as AppendKey;
      this.#number(key.offset - offset);
      this.#number(key.ts - ts);
      offset = key.offset;
      ts = key.ts;
      const lengths = this.#at;
      this.#at += 2;
      this.#buffer[lengths] = this.#text(key.uid);
      this.#buffer[lengths + 1] = this.#text(key.key);
    }
    return this.#buffer.subarray(0, this.#at);
  }

  #number(value: number): void {
    let rest = value < 0 ? -value * 2 - 1 : value * 2;
    while (rest >= 128) {
      this.#buffer[this.#at++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    this.#buffer[this.#at++] = rest;
  }

  #text(text: string): number {
    const { read, written } = encoder.encodeInto(
      text,
      this.#buffer.subarray(this.#at, this.#at + TEXT_BYTES_MAX),
    );
    if (read !== text.length) throw new RangeError("uid or idempotency key over 255 bytes");
    this.#at += written;
    return written;
  }
}

/** Unpacks a row; throws `RangeError` or `TypeError` for bytes that `KeyPacker` did not write. */
export function unpackKeys(bytes: Uint8Array): StoredKey[] {
  const keys: StoredKey[] = [];
  let at = 0;
  let offset = 0;
  let ts = 0;
  const byte = (): number => {
    const value = bytes[at++];
    if (value === undefined) throw new RangeError("keys are cut off");
    return value;
  };
  const number = (): number => {
    let value = 0;
    let scale = 1;
    for (let next = byte(); ; next = byte()) {
      value += (next & 127) * scale;
      if (next < 128) break;
      scale *= 128;
    }
    return value % 2 === 1 ? -(value + 1) / 2 : value / 2;
  };
  const text = (length: number): string => {
    if (at + length > bytes.length) throw new RangeError("keys are cut off");
    at += length;
    return decoder.decode(bytes.subarray(at - length, at));
  };
  while (at < bytes.length) {
    offset += number();
    ts += number();
    const uidBytes = byte();
    const keyBytes = byte();
    keys.push({ uid: text(uidBytes), key: text(keyBytes), offset, ts });
  }
  return keys;
}
