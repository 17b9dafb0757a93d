import { BACKOFF_BASE_MS, BACKOFF_MAX_MS, RETRY_AFTER_MAX_MS } from "./limits.ts";

/**
 * Wait before try number `attempt` (0 = the first): anywhere between nothing and a bound that doubles ("full jitter",
 * M. Brooker, "Exponential Backoff And Jitter", 2015), so that viewers who were cut off together come back apart.
 * @param random 0 ≤ random < 1
 */
export function backoffMs(attempt: number, random: number): number {
  return Math.round(random * Math.min(BACKOFF_MAX_MS, BACKOFF_BASE_MS * 2 ** Math.min(attempt, 16)));
}

/** The wait a server asks for in its close reason, `{"retryAfterMs":n}`; undefined where it asks for none. */
export function serverWaitMs(reason: string): number | undefined {
  let retryAfterMs: unknown;
  try {
    retryAfterMs = JSON.parse(reason)?.retryAfterMs;
  } catch {
    return undefined; // an empty or cut reason asks for nothing
  }
  if (typeof retryAfterMs !== "number" || !(retryAfterMs >= 0)) return undefined;
  return Math.min(retryAfterMs, RETRY_AFTER_MAX_MS);
}
