/** What an endpoint's answer means for the entries that were sent. */
import { PAUSE_MAX_MS } from "../limits.ts";

/**
 * - `taken`: 2xx.
 * - `away`: not there, not configured, or asks for time: 3xx, 401–407 but 402 and 406, 408, 410, 425, 429, 502–504. Nothing
 *   is held against the entries; they wait.
 * - `rejected`: every other 4xx: the endpoint will not take these entries, however often they come.
 * - `failed`: every other 5xx, and what is no answer to such a request: tried again, five times at most.
 */
export type Verdict = "taken" | "away" | "rejected" | "failed";

const AWAY = new Set([401, 403, 404, 405, 407, 408, 410, 425, 429, 502, 503, 504]);

export function judge(status: number): Verdict {
  if (status >= 200 && status < 300) return "taken";
  if (AWAY.has(status) || (status >= 300 && status < 400)) return "away";
  return status >= 400 && status < 500 ? "rejected" : "failed";
}

/**
 * Milliseconds that `Retry-After` (RFC 9110: seconds or a date) asks for; undefined where it is absent or unreadable.
 * Bounded, so that a slip of the endpoint's does not stop the worker for a year.
 */
export function retryAfterMs(header: string | null, nowMs: number): number | undefined {
  if (header === null) return undefined;
  const text = header.trim();
  const waitMs = /^\d{1,10}$/.test(text) ? Number(text) * 1000 : Date.parse(text) - nowMs;
  return Number.isNaN(waitMs) ? undefined : Math.min(PAUSE_MAX_MS, Math.max(0, waitMs));
}
