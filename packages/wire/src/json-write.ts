/** Pieces of JSON text as UTF-8 into a buffer that has room; each returns the end. Guarded by `bench codec`. */

/** A constant of our own, plain ASCII, as bytes. */
export function asciiBytes(text: string): Uint8Array {
  return Uint8Array.from(text, (c) => c.charCodeAt(0));
}

/** A constant of our own. @hot */
export function copyPiece(into: Uint8Array, out: number, piece: Uint8Array): number {
  // Under this length a loop beats the call.
  if (piece.length < 16) return copyBytes(into, out, piece, 0, piece.length);
  into.set(piece, out);
  return out + piece.length;
}

/** Bytes as they are. @hot */
export function copyBytes(
  into: Uint8Array,
  out: number,
  bytes: Uint8Array,
  from: number,
  to: number,
): number {
  while (from < to) into[out++] = bytes[from++] as number;
  return out;
}

/**
 * Bytes of UTF-8 as the inside of a JSON string. Content holds no control characters, so an escape is a quote or a
 * back-slash, and seldom. @hot
 */
export function writeEscaped(
  into: Uint8Array,
  out: number,
  bytes: Uint8Array,
  from: number,
  to: number,
): number {
  while (from < to) {
    const c = bytes[from++] as number;
    if (c >= 0x20 && c !== 0x22 && c !== 0x5c) into[out++] = c;
    else out = copyPiece(into, out, asciiBytes(JSON.stringify(String.fromCharCode(c)).slice(1, -1)));
  }
  return out;
}

const BILLION = 1_000_000_000;

/** A whole number from 0 to 2^53−1 in decimal. @hot */
export function writeUint(into: Uint8Array, out: number, value: number): number {
  if (value < BILLION) return writeDigits(into, out, value, digitCount(value));
  const upper = Math.floor(value / BILLION);
  return writeDigits(into, writeDigits(into, out, upper, digitCount(upper)), value - upper * BILLION, 9);
}

function digitCount(value: number): number {
  let digits = 1;
  for (let bound = 10; value >= bound; bound *= 10) digits++;
  return digits;
}

/** `digits` decimal places of a number below 2^31. */
function writeDigits(into: Uint8Array, out: number, value: number, digits: number): number {
  let rest = value | 0;
  for (let i = out + digits - 1; i >= out; i--) {
    const next = (rest / 10) | 0;
    into[i] = 0x30 + rest - next * 10;
    rest = next;
  }
  return out + digits;
}

/** The six digits of a colour. @hot */
export function writeHexColor(into: Uint8Array, out: number, color: number): number {
  for (let shift = 20; shift >= 0; shift -= 4) {
    const digit = (color >>> shift) & 0xf;
    into[out++] = digit < 10 ? 0x30 + digit : 0x57 + digit;
  }
  return out;
}
