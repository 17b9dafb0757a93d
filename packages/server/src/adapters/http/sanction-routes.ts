/** Mutes and bans: `PUT|DELETE …/users/{uid}/mute|ban`, and the lists of those that hold. */
import { parseWhole } from "@danmakud/core/policy";
import { type Sanction, type SanctionKind, SITE, UNTIL_LIFTED } from "@danmakud/core/ports";
import { type Principal, ROOM_LIMITS } from "@danmakud/core/rooms";
import { DanmakuError, isUid } from "@danmakud/wire";
import { readOptionalJson } from "./body.ts";
import type { HttpContext } from "./context.ts";
import { jsonResponse } from "./json-response.ts";
import { PAGE_DEFAULT } from "./limits.ts";
import { enterRoom } from "./room-access.ts";
import type { RouteHandler } from "./router.ts";

type Params = Readonly<Record<string, string>>;
/** Where a path's mutes and bans hold, and who asks. */
type Place = (context: HttpContext, params: Params) => Promise<{ room: string; who: Principal }>;

const onSite: Place = async (context) => ({ room: SITE, who: await context.signIn() });

/** `PUT` and `DELETE` of one, and `GET` of the list. */
function routesOf(kind: SanctionKind, place: Place) {
  const put: RouteHandler = async (context, params) => {
    const { room, who } = await place(context, params);
    const uid = uidOf(params);
    const lastsMs = lastsMsOf(await readOptionalJson(context.request, context.limits, context.timers));
    return jsonResponse(
      JSON.stringify(itemOf(await context.hub.sanction(who, { kind, room, uid, lastsMs }))),
    );
  };
  const lift: RouteHandler = async (context, params) => {
    const { room, who } = await place(context, params);
    await context.hub.sanction(who, { kind, room, uid: uidOf(params), lastsMs: 0 });
    return new Response(null, { status: 204 });
  };
  const list: RouteHandler = async (context, params) => {
    const { room, who } = await place(context, params);
    const query = context.url.searchParams;
    const after = query.get("after") ?? "";
    if (after !== "" && !isUid(after)) throw new DanmakuError("invalid_message", "after must be a uid");
    const limit = parseWhole("limit", query.get("limit"), ROOM_LIMITS.sanctionPageMax, 1) ?? PAGE_DEFAULT;
    const found = await context.hub.sanctions(room, kind, who, after, limit);
    const last = found.length < limit ? undefined : found.at(-1);
    const next = last === undefined ? {} : { next: last.uid };
    return jsonResponse(JSON.stringify({ [`${kind}s`]: found.map(itemOf), ...next }));
  };
  return { put, lift, list };
}

/** `…/rooms/{room}/users/{uid}/mute`, `…/rooms/{room}/mutes` */
export const roomMutes = routesOf("mute", enterRoom);
/** `…/rooms/{room}/users/{uid}/ban`, `…/rooms/{room}/bans` */
export const roomBans = routesOf("ban", enterRoom);
/** `…/users/{uid}/ban`, `…/bans` */
export const siteBans = routesOf("ban", onSite);

function uidOf({ uid }: Params): string {
  if (!isUid(uid))
    throw new DanmakuError("invalid_message", "a uid has 1–64 characters of A–Z a–z 0–9 _ . -");
  return uid;
}

/** The body says for how many seconds, or does not: then until it is lifted. */
function lastsMsOf(body: unknown): number {
  if (body === undefined) return Number.POSITIVE_INFINITY;
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw new DanmakuError("invalid_message", 'the body is an object, such as {"seconds":600}');
  }
  for (const name of Object.keys(body)) {
    if (name !== "seconds")
      throw new DanmakuError("invalid_message", `unknown field ${JSON.stringify(name)}`);
  }
  if (!("seconds" in body)) return Number.POSITIVE_INFINITY;
  const { seconds } = body;
  const max = ROOM_LIMITS.sanctionSecondsMax;
  if (typeof seconds !== "number" || !Number.isInteger(seconds) || seconds < 1 || seconds > max) {
    throw new DanmakuError("invalid_message", `seconds is not a whole number from 1 to ${max}`);
  }
  return seconds * 1000;
}

function itemOf({ uid, since, by, until }: Sanction): object {
  return { uid, since, by, ...(until === UNTIL_LIFTED ? {} : { until }) };
}
