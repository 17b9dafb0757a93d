import type { Principal } from "@danmakud/core/rooms";

/** Finds out who sends a request. Used alike by the WebSocket and the HTTP face. */
export interface Authenticator {
  /**
   * @throws DanmakuError `unauthorized` (no or no valid token), `invalid_message` (a `uid` or `role` in the query that
   * is none), `unavailable` (the key server does not answer).
   */
  authenticate(request: Request, url: URL): Promise<Principal>;
}
