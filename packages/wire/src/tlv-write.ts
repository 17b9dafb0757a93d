import { putU32, upper } from "./bytes.ts";
import { tooLarge } from "./error.ts";
import { RECORD_BYTES_MAX } from "./limits.ts";
import { AUX_SHIFT, align4, ID_HI, ID_LO, TYPE_SHIFT } from "./tlv-layout.ts";

/** Throws `too_large` where a record of `length` bytes is too long or does not fit before `end`. */
export function requireFit(at: number, length: number, end: number): void {
  if (length > RECORD_BYTES_MAX) tooLarge("record is over 65,535 bytes");
  if (at + align4(length) > end) tooLarge("record does not fit");
}

/** Writes the header word of a record that ends at `to`, and its padding; returns the aligned end. @hot */
export function finish(bytes: Uint8Array, at: number, to: number, type: number, aux: number): number {
  const length = to - at;
  const next = at + align4(length);
  putU32(bytes, at, (aux << AUX_SHIFT) | (type << TYPE_SHIFT) | length);
  while (to < next) bytes[to++] = 0;
  return next;
}

/** Writes an id; the upper bits of its second word stay zero. */
export function putId(bytes: Uint8Array, at: number, id: number): void {
  putU32(bytes, at + ID_LO, id >>> 0);
  putU32(bytes, at + ID_HI, upper(id));
}
