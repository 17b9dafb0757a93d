import { BACKOFF_FIRST_MS, BACKOFF_MAX_MS } from "./limits.ts";

/**
 * The wait before the next try, milliseconds: doubled with each failure, and a random part of it, at least half, so
 * that those who failed together do not come back together.
 * @param failures in a row, from 1 on.
 * @param random between 0 and 1.
 */
export function backoffMs(failures: number, random: number, maxMs = BACKOFF_MAX_MS): number {
  const full = Math.min(maxMs, BACKOFF_FIRST_MS * 2 ** Math.min(failures - 1, 30));
  return full * (0.5 + random / 2);
}
