import type { Principal } from "@danmakud/core/rooms";
import { checkDisplayName, DanmakuError, isRoomName, isUid } from "@danmakud/wire";
import { isRole } from "./dev-sign-in.ts";
import { TOKEN_ROOMS_MAX } from "./limits.ts";

/** Claims that danmakud reads from a verified token. `exp` and `aud` were judged with the signature. */
export interface TokenClaims {
  readonly sub?: unknown;
  readonly name?: unknown;
  readonly role?: unknown;
  readonly rooms?: unknown;
}

/**
 * The principal of a verified token. A display name that danmaku may not carry (too long, invisible, bidirectional
 * controls) is left off rather than refused: it comes from the site's accounts, and its owner cannot change it here.
 * @throws DanmakuError `unauthorized` where `sub` is missing or no uid, or `role` or `rooms` are not what they should be.
 */
export function principalOf(claims: TokenClaims): Principal {
  if (!isUid(claims.sub)) throw refused("sub must be a uid: 1–64 characters of A–Z a–z 0–9 _ . -");
  const role = claims.role ?? "viewer";
  if (!isRole(role)) throw refused("role is unknown");
  const name = usableName(claims.name);
  const rooms = roomsOf(claims.rooms);
  return {
    uid: claims.sub,
    role,
    ...(name === undefined ? {} : { name }),
    ...(rooms === undefined ? {} : { rooms }),
  };
}

function usableName(name: unknown): string | undefined {
  if (typeof name !== "string") return undefined;
  try {
    return checkDisplayName(name);
  } catch (error) {
    if (error instanceof DanmakuError) return undefined;
    throw error;
  }
}

function roomsOf(rooms: unknown): readonly string[] | undefined {
  if (rooms === undefined || rooms === null) return undefined;
  if (!Array.isArray(rooms) || rooms.length > TOKEN_ROOMS_MAX || !rooms.every(isRoomName)) {
    throw refused(`rooms must be a list of at most ${TOKEN_ROOMS_MAX} room names`);
  }
  return rooms;
}

function refused(what: string): DanmakuError {
  return new DanmakuError("unauthorized", `the token's ${what}`);
}
