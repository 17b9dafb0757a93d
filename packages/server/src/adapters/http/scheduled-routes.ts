import { checkAnnounce, parseWhole } from "@danmakud/core/policy";
import type { ScheduledDanmaku } from "@danmakud/core/ports";
import { ROOM_LIMITS } from "@danmakud/core/rooms";
import { DanmakuError, type DanmakuRecord, decodeRecord, parseDraft } from "@danmakud/wire";
import { readJson } from "./body.ts";
import { jsonResponse } from "./json-response.ts";
import { PAGE_DEFAULT } from "./limits.ts";
import { giveKey, idempotencyKey, publishedResponse, senderOf } from "./publish-route.ts";
import { enterRoom } from "./room-access.ts";
import type { RouteHandler } from "./router.ts";

/** `POST /v1/rooms/{room}/announcements`: a danmaku of class `system`, now or later. */
export const postAnnouncement: RouteHandler = async (context, params) => {
  const { room, who } = await enterRoom(context, params);
  const forbidden = checkAnnounce(who);
  if (forbidden !== undefined) throw forbidden;
  const draft = parseDraft(
    await readJson(context.request, context.limits, context.timers),
    "http",
    context.options.contentMax,
  );
  if (draft.class !== undefined) {
    throw new DanmakuError("invalid_message", "an announcement is of class system; class is not given");
  }
  const key = idempotencyKey(context.request.headers);
  if (key !== undefined) giveKey(draft, key);
  const outcome = await context.hub.announce(room, senderOf(context, who, draft), draft);
  if ("error" in outcome) throw outcome.error;
  return publishedResponse(outcome);
};

/** `GET /v1/rooms/{room}/scheduled`: what waits for its time, by time. */
export const getScheduled: RouteHandler = async (context, params) => {
  const { room, who } = await enterRoom(context, params);
  const query = context.url.searchParams;
  const limit = parseWhole("limit", query.get("limit"), ROOM_LIMITS.scheduledPageMax, 1) ?? PAGE_DEFAULT;
  const after = parsePlace(query.get("after"));
  const found = await context.hub.scheduled(room, who, after, limit);
  const last = found.length < limit ? undefined : found.at(-1);
  const next = last === undefined ? {} : { next: `${last.deliverAt}.${last.number}` };
  return jsonResponse(JSON.stringify({ scheduled: found.map(itemOf), ...next }));
};

/** `DELETE /v1/rooms/{room}/scheduled/{number}`: takes one back. */
export const deleteScheduled: RouteHandler = async (context, params) => {
  const { room, who } = await enterRoom(context, params);
  const { number } = params;
  if (number === undefined || !/^\d{1,10}$/.test(number)) {
    throw new DanmakuError("invalid_message", "a scheduled danmaku is named by its number");
  }
  await context.hub.unschedule(room, who, Number(number));
  return new Response(null, { status: 204, headers: { "cache-control": "no-store" } });
};

/** Where a page of the list goes on: delivery time and number of the last one before it. */
function parsePlace(text: string | null): { readonly deliverAt: number; readonly number: number } {
  if (text === null) return { deliverAt: 0, number: 0 };
  const [, deliverAt, number] = /^(\d{1,15})\.(\d{1,10})$/.exec(text) ?? [];
  if (deliverAt === undefined)
    throw new DanmakuError("invalid_message", "after is not a next of an earlier page");
  return { deliverAt: Number(deliverAt), number: Number(number) };
}

function itemOf({ number, deliverAt, record }: ScheduledDanmaku): object {
  const { type: _type, offset: _offset, ts: _ts, ...danmaku } = decodeRecord(record, 0) as DanmakuRecord;
  return { scheduled: number, deliverAt, ...danmaku };
}
