/**
 * What is published and looked for: 64 ASCII bytes, safe inside JSON.
 *
 *     @dm:  1234567890123456  :  0000000042  :  (32 letters)
 *     mark  µs, shared clock     number         filler
 *
 * The time is the *intended* send time on the clock of `clock.ts`, which all processes of a machine share.
 */
export const PAYLOAD_BYTES = 64;
/** Starts every payload and occurs nowhere else: occurrences in a frame = records in it. */
export const PAYLOAD_MARK = "@dm:";
const MARK = Buffer.from(PAYLOAD_MARK);
const TIME_DIGITS = 16;
const NUMBER_DIGITS = 10;
const FILLER = "abcdefghijklmnopqrstuvwxyzABCDEF";

/** A payload; `intendedMicros` is a whole number on the shared clock. */
export function makePayload(intendedMicros: number, number: number): string {
  const time = String(intendedMicros).padStart(TIME_DIGITS, "0");
  return `${PAYLOAD_MARK}${time}:${String(number).padStart(NUMBER_DIGITS, "0")}:${FILLER}`;
}

/** Payloads in the bytes of a frame, in whatever envelope. */
export function countPayloads(frame: Uint8Array): number {
  const buffer = Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength);
  let count = 0;
  for (let at = buffer.indexOf(MARK); at >= 0; at = buffer.indexOf(MARK, at + PAYLOAD_BYTES)) count++;
  return count;
}

/** Calls `seen` with the intended send time (µs) and the number of each payload in a frame. */
export function readPayloads(
  frame: Uint8Array,
  seen: (intendedMicros: number, number: number) => void,
): void {
  const buffer = Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength);
  for (let at = buffer.indexOf(MARK); at >= 0; at = buffer.indexOf(MARK, at + PAYLOAD_BYTES)) {
    const time = at + MARK.length;
    seen(digits(frame, time, TIME_DIGITS), digits(frame, time + TIME_DIGITS + 1, NUMBER_DIGITS));
  }
}

function digits(bytes: Uint8Array, at: number, count: number): number {
  let value = 0;
  for (let i = 0; i < count; i++) value = value * 10 + ((bytes[at + i] ?? 0) - 48);
  return value;
}
