import { checkConfigure, mayConfigure, parseWhole } from "@danmakud/core/policy";
import { type HistoryQuery, parseSettingsPatch } from "@danmakud/core/rooms";
import { DanmakuError, ID_MAX, isRoomName, PAGE_RECORDS_MAX, recordsToJson } from "@danmakud/wire";
import { readJson } from "./body.ts";
import type { HttpContext } from "./context.ts";
import { jsonResponse } from "./json-response.ts";
import { PAGE_DEFAULT } from "./limits.ts";
import { enterRoom } from "./room-access.ts";
import type { RouteHandler } from "./router.ts";

/** `GET /v1/rooms/{room}` */
export const getRoom: RouteHandler = async (context, params) => {
  const { room, who } = await enterRoom(context, params);
  await context.hub.refuseBanned(room, who);
  const info = await context.hub.describe(room);
  if (info === undefined) throw notFound(room);
  return jsonResponse(JSON.stringify(info));
};

/** `PATCH /v1/rooms/{room}/settings`: changes what the body names, answers with all settings. */
export const patchSettings: RouteHandler = async (context, params) => {
  const { room, who } = await enterRoom(context, params);
  const forbidden = checkConfigure(who);
  if (forbidden !== undefined) throw forbidden;
  const patch = parseSettingsPatch(await readJson(context.request, context.limits, context.timers));
  return jsonResponse(JSON.stringify(await context.hub.configure(room, who, patch)));
};

/** `GET /v1/rooms`, for admins: pages in alphabetical order. */
export const listRooms: RouteHandler = async (context) => {
  const who = await context.signIn();
  if (who.role !== "admin") throw new DanmakuError("forbidden", "the list of rooms is for admins");
  const query = context.url.searchParams;
  const after = query.get("after") ?? "";
  if (after !== "" && !isRoomName(after))
    throw new DanmakuError("invalid_message", "after must be a room name");
  const limit = parseWhole("limit", query.get("limit"), PAGE_RECORDS_MAX, 1) ?? PAGE_DEFAULT;
  const { rooms, next } = await context.hub.list(after, limit);
  return jsonResponse(JSON.stringify({ rooms, ...(next === undefined ? {} : { next }) }));
};

/** `GET /v1/rooms/{room}/danmaku` */
export const getHistory: RouteHandler = async (context, params) => {
  const { room, who } = await enterRoom(context, params);
  await context.hub.refuseBanned(room, who);
  // Those who moderate a room see before others what there is to moderate.
  const isUndelayed = mayConfigure(who.role);
  const page = await context.hub.history(room, historyQuery(context), isUndelayed);
  if (page === undefined) throw notFound(room);
  const danmaku = recordsToJson(page.bytes, 0, page.bytes.length);
  return jsonResponse(`{"epoch":${JSON.stringify(page.epoch)},"head":${page.head},"danmaku":${danmaku}}`);
};

/** `last=N`, or `after=O` and `limit=N`; `limit` alone starts at the oldest; nothing at all gives the newest hundred. */
function historyQuery(context: HttpContext): HistoryQuery {
  const query = context.url.searchParams;
  const after = parseWhole("after", query.get("after"), ID_MAX);
  const limit = parseWhole("limit", query.get("limit"), PAGE_RECORDS_MAX, 1);
  const last = parseWhole("last", query.get("last"), PAGE_RECORDS_MAX);
  if (last !== undefined && (after !== undefined || limit !== undefined)) {
    throw new DanmakuError("invalid_message", "last goes with neither after nor limit");
  }
  if (after === undefined && limit === undefined) return { last: last ?? PAGE_DEFAULT };
  return { after: after ?? 0, limit: limit ?? PAGE_DEFAULT };
}

function notFound(room: string): DanmakuError {
  return new DanmakuError("not_found", `there is no room ${room}`);
}
