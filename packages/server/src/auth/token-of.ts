import { DanmakuError } from "@danmakud/wire";
import { TOKEN_BYTES_MAX } from "./limits.ts";

const BEARER_SCHEME = /^bearer +(\S+) *$/i;
const BEARER_PROTOCOL = "bearer.";

/**
 * The token of a request, or undefined where it brings none. In this order: `Authorization: Bearer`, a WebSocket
 * subprotocol entry `bearer.<jwt>` (what a browser can set), `token` in the query (shows up in other people's logs,
 * hence last; danmakud itself never logs a query).
 * @throws DanmakuError `unauthorized` for an `Authorization` of another scheme and for an oversized token.
 */
export function tokenOf(headers: Headers, url: URL): string | undefined {
  const token =
    fromAuthorization(headers) ?? fromSubprotocol(headers) ?? url.searchParams.get("token") ?? undefined;
  if (token !== undefined && token.length > TOKEN_BYTES_MAX) {
    throw new DanmakuError("unauthorized", `the token is longer than ${TOKEN_BYTES_MAX} bytes`);
  }
  return token;
}

function fromAuthorization(headers: Headers): string | undefined {
  const header = headers.get("authorization");
  if (header === null) return undefined;
  const token = BEARER_SCHEME.exec(header)?.[1];
  if (token === undefined) throw new DanmakuError("unauthorized", "Authorization must be: Bearer <token>");
  return token;
}

function fromSubprotocol(headers: Headers): string | undefined {
  for (const entry of (headers.get("sec-websocket-protocol") ?? "").split(",")) {
    const protocol = entry.trim();
    if (protocol.startsWith(BEARER_PROTOCOL)) return protocol.slice(BEARER_PROTOCOL.length);
  }
  return undefined;
}
