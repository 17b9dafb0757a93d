import { TIMER_MS_MAX, TOKEN_MARGIN_MS, TOKEN_RENEW_MS_MIN } from "./limits.ts";

/**
 * How long to wait before a token is renewed, in milliseconds; undefined where it does not say when it expires, or is no
 * JWT (RFC 7519), or it is too late. The signature is the server's matter.
 * @param nowMs the server's time, Unix ms: it is the one that judges.
 */
export function renewInMs(token: string | undefined, nowMs: number): number | undefined {
  try {
    const payload = (token?.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/");
    const leftMs = JSON.parse(atob(payload)).exp * 1000 - nowMs;
    const waitMs = Math.max(leftMs - TOKEN_MARGIN_MS, leftMs * 0.8);
    return waitMs >= TOKEN_RENEW_MS_MIN && waitMs <= TIMER_MS_MAX ? waitMs : undefined;
  } catch {
    return undefined;
  }
}
