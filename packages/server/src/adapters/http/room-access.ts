import { mayEnter } from "@danmakud/core/policy";
import type { Principal } from "@danmakud/core/rooms";
import { DanmakuError, isRoomName } from "@danmakud/wire";
import type { HttpContext } from "./context.ts";

/**
 * The room that a path names and the principal that asks for it.
 * @throws DanmakuError `invalid_message` where the name is none, those of signing in, `forbidden` where the token lists
 * other rooms.
 */
export async function enterRoom(
  context: HttpContext,
  params: Readonly<Record<string, string>>,
): Promise<{ room: string; who: Principal }> {
  const { room } = params;
  if (!isRoomName(room)) {
    throw new DanmakuError("invalid_message", "a room name has 1–64 characters of A–Z a–z 0–9 _ . -");
  }
  const who = await context.signIn();
  if (!mayEnter(who, room)) throw new DanmakuError("forbidden", "the token does not open this room");
  return { room, who };
}
