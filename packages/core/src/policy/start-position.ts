import { DanmakuError, ID_MAX, PAGE_RECORDS_MAX } from "@danmakud/wire";
import type { StartPosition } from "../rooms/hub.ts";

const DIGITS = /^\d{1,16}$/;

/**
 * Reads a number from a query: decimal digits only, at most `max`. Absent (null) gives undefined.
 * @throws DanmakuError `invalid_message` naming the parameter.
 */
export function parseWhole(name: string, text: string | null, max: number, min = 0): number | undefined {
  if (text === null) return undefined;
  const value = DIGITS.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new DanmakuError("invalid_message", `${name} must be a whole number from ${min} to ${max}`);
}

/**
 * Where a viewer starts, from the query of a join: `after` + `epoch` resumes, `last=N` starts N records back, neither
 * starts at the head. A resume wins over `last`, so that a client may keep `last` in its address when it comes back. An
 * `after` without an `epoch` is a resume of an unknown epoch: the room answers it with `resumed` false.
 * @throws DanmakuError `invalid_message` for numbers that are none or out of range.
 */
export function parseStart(query: URLSearchParams): StartPosition {
  const after = parseWhole("after", query.get("after"), ID_MAX);
  const last = parseWhole("last", query.get("last"), PAGE_RECORDS_MAX);
  if (after !== undefined) return { kind: "resume", epoch: query.get("epoch") ?? "", after };
  if (last !== undefined && last > 0) return { kind: "last", records: last };
  return { kind: "head" };
}
