/** UTF-8 by hand: for the short texts here it beats the platform's coders, and it works on shared memory. */
import { invalid } from "./error.ts";

/** Bytes of a text in UTF-8; a lone surrogate counts three. */
export function utf8Length(text: string): number {
  let bytes = text.length;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c < 0x80) continue;
    if (c < 0x800) bytes++;
    else {
      bytes += 2;
      if (c >= 0xd800 && c < 0xdc00 && isLow(text.charCodeAt(i + 1))) i++;
    }
  }
  return bytes;
}

function isLow(c: number): boolean {
  return c >= 0xdc00 && c < 0xe000;
}

/**
 * Writes a text as UTF-8 and returns the end. The caller has made sure that it fits.
 * Throws `invalid_message` for a lone surrogate. @hot
 */
export function writeUtf8(bytes: Uint8Array, at: number, text: string): number {
  const length = text.length;
  for (let i = 0; i < length; i++) {
    const c = text.charCodeAt(i);
    if (c < 0x80) {
      bytes[at++] = c;
    } else if (c < 0x800) {
      bytes[at++] = 0xc0 | (c >> 6);
      bytes[at++] = 0x80 | (c & 0x3f);
    } else if (c < 0xd800 || c > 0xdfff) {
      bytes[at++] = 0xe0 | (c >> 12);
      bytes[at++] = 0x80 | ((c >> 6) & 0x3f);
      bytes[at++] = 0x80 | (c & 0x3f);
    } else {
      const low = text.charCodeAt(++i);
      if (c > 0xdbff || !isLow(low)) invalid("text has a lone surrogate");
      const point = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
      bytes[at++] = 0xf0 | (point >> 18);
      bytes[at++] = 0x80 | ((point >> 12) & 0x3f);
      bytes[at++] = 0x80 | ((point >> 6) & 0x3f);
      bytes[at++] = 0x80 | (point & 0x3f);
    }
  }
  return at;
}

/** True where the range is well-formed UTF-8 (Unicode 17, table 3-7). @hot */
export function isUtf8(bytes: Uint8Array, from: number, to: number): boolean {
  let at = from;
  while (at < to) {
    const lead = bytes[at++] as number;
    if (lead < 0x80) continue;
    // Continuation bytes to come, and the range of the first of them: it rules out overlong forms,
    // surrogates and everything past U+10FFFF.
    let more: number;
    let low = 0x80;
    let high = 0xbf;
    if (lead >= 0xe1 && lead <= 0xec) more = 2;
    else if (lead >= 0xc2 && lead <= 0xdf) more = 1;
    else if (lead === 0xe0) {
      more = 2;
      low = 0xa0;
    } else if (lead === 0xed) {
      more = 2;
      high = 0x9f;
    } else if (lead === 0xee || lead === 0xef) more = 2;
    else if (lead === 0xf0) {
      more = 3;
      low = 0x90;
    } else if (lead >= 0xf1 && lead <= 0xf3) more = 3;
    else if (lead === 0xf4) {
      more = 3;
      high = 0x8f;
    } else return false;
    if (at + more > to) return false;
    const second = bytes[at++] as number;
    if (second < low || second > high) return false;
    while (--more > 0) if (((bytes[at++] as number) & 0xc0) !== 0x80) return false;
  }
  return true;
}

let decoder: TextDecoder | undefined;

/** Up to so many bytes decoding by hand is faster than a call of the platform's decoder. */
const SHORT_BYTES = 48;

/** Text of a range. Throws `invalid_message` where it is not well-formed UTF-8. */
export function readUtf8(bytes: Uint8Array, from: number, to: number): string {
  if (to - from <= SHORT_BYTES) return readShort(bytes, from, to);
  decoder ??= new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  // Browsers refuse to decode shared memory; slice() copies it into memory of its own.
  const part = bytes.buffer instanceof ArrayBuffer ? bytes.subarray(from, to) : bytes.slice(from, to);
  try {
    return decoder.decode(part);
  } catch {
    return invalid("text is not UTF-8");
  }
}

/** Used again for every text, so that nothing but the string is allocated. */
const units: number[] = [];

/** The least code point that may take so many continuation bytes. */
const POINT_MIN = [0, 0x80, 0x800, 0x1_0000];

/** Text of a short range, checked on the way by the same rules as `isUtf8`. */
function readShort(bytes: Uint8Array, from: number, to: number): string {
  units.length = 0;
  for (let at = from; at < to; ) {
    const lead = bytes[at++] as number;
    if (lead < 0x80) {
      units.push(lead);
      continue;
    }
    const more = lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
    const end = at + more;
    // The lead byte has 5, 4 or 3 bits of the code point, each of the others 6.
    let point = lead & (0x3f >> more);
    let isGood = lead >= 0xc2 && lead <= 0xf4 && end <= to;
    for (; isGood && at < end; at++) {
      isGood = ((bytes[at] as number) & 0xc0) === 0x80;
      point = (point << 6) | ((bytes[at] as number) & 0x3f);
    }
    if (!isGood || point < (POINT_MIN[more] as number) || point > 0x10_ffff || (point & ~0x7ff) === 0xd800) {
      invalid("text is not UTF-8");
    }
    if (point < 0x10000) units.push(point);
    else units.push(0xd7c0 + (point >> 10), 0xdc00 | (point & 0x3ff));
  }
  return String.fromCharCode.apply(null, units);
}
