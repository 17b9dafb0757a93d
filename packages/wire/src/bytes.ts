/** Little-endian numbers at byte positions. Callers have checked the bounds. */

const TWO_32 = 2 ** 32;

/** @hot */
export function getU16(bytes: Uint8Array, at: number): number {
  return (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
}

/** @hot */
export function getU32(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24)) >>>
    0
  );
}

/** A 48-bit number from its word and half-word. @hot */
export function getU48(bytes: Uint8Array, lo: number, hi: number): number {
  return getU16(bytes, hi) * TWO_32 + getU32(bytes, lo);
}

/** @hot */
export function putU16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
}

/** @hot */
export function putU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value >>> 16;
  bytes[at + 3] = value >>> 24;
}

/** A 48-bit number into its word and half-word. @hot */
export function putU48(bytes: Uint8Array, lo: number, hi: number, value: number): void {
  putU32(bytes, lo, value >>> 0);
  putU16(bytes, hi, Math.floor(value / TWO_32));
}

/** The upper part of a number above 32 bits (21 bits for an id). */
export function upper(value: number): number {
  return Math.floor(value / TWO_32);
}

/** A number from its lower 32 and its upper bits. */
export function join(lo: number, hi: number): number {
  return hi * TWO_32 + lo;
}
