import { parseStart } from "@danmakud/core/policy";
import type { StartPosition } from "@danmakud/core/rooms";
import {
  CLOSE_CODES,
  CLOSE_TRY_AGAIN_LATER,
  DanmakuError,
  type ErrorCode,
  ID_MAX,
  isEpoch,
} from "@danmakud/wire";
import type { HttpContext } from "./context.ts";
import { EventStream, type Opening, retryAfterMs } from "./event-stream.ts";
import { enterRoom } from "./room-access.ts";
import type { RouteHandler } from "./router.ts";

const HEADERS = {
  "content-type": "text/event-stream",
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
  // nginx gathers answers otherwise.
  "x-accel-buffering": "no",
} as const;

/** The refusals of a join, which come as close codes, as error codes. */
const REFUSALS: Readonly<Record<number, ErrorCode>> = {
  [CLOSE_TRY_AGAIN_LATER]: "overloaded",
  [CLOSE_CODES.rate_limited]: "rate_limited",
  [CLOSE_CODES.unauthorized]: "unauthorized",
  [CLOSE_CODES.banned]: "banned",
  [CLOSE_CODES.protocol_error]: "invalid_message",
  [CLOSE_CODES.room_closed]: "room_closed",
};

/** `GET /v1/rooms/{room}/events`: a room's records as Server-Sent Events (HTML Living Standard, section 9.2). */
export const getEvents: RouteHandler = async (context, params) => {
  const { room, who } = await enterRoom(context, params);
  const start = startOf(context);
  const { request, server, hub, limits, gate, timers } = context;
  // A look at the headers is no join.
  if (request.method === "HEAD") return new Response(null, { headers: HEADERS });
  const overload = await gate?.enter(() => request.signal.aborted);
  if (overload !== undefined) throw overload;

  let timer = 0;
  const stream = new EventStream(hub, limits.eventsQueueBytes, () => {
    timers.cancel(timer);
    // A client that does not read would otherwise keep the connection of an ended stream for ever.
    server?.timeout(request, limits.eventsLingerS);
  });
  // Streams are quiet at times; who is gone is found out by the comments.
  server?.timeout(request, 0);
  if (request.signal.aborted) throw new DanmakuError("unavailable", "the client is gone");
  request.signal.addEventListener("abort", () => stream.abandon(), { once: true });
  stream.attach(hub.join(room, who, start, "sse", stream));

  timer = timers.after(limits.eventsOpenMs, () =>
    stream.close(CLOSE_TRY_AGAIN_LATER, "the room did not open in time"),
  );
  const opening = await stream.opening;
  timers.cancel(timer);
  if (!opening.opened) throw refusalOf(opening);
  if (!stream.ended) timer = timers.every(limits.eventsCommentMs, () => stream.comment());
  return new Response(stream.body, { headers: HEADERS });
};

/** `Last-Event-ID` is what a browser adds when it comes back by itself, so it is newer than the address. */
function startOf(context: HttpContext): StartPosition {
  const id = context.request.headers.get("last-event-id");
  if (id === null || id === "") return parseStart(context.url.searchParams);
  const colon = id.lastIndexOf(":");
  const epoch = id.slice(0, Math.max(0, colon));
  const digits = id.slice(colon + 1);
  const after = Number(digits);
  if (!isEpoch(epoch) || !/^\d{1,16}$/.test(digits) || after > ID_MAX) {
    throw new DanmakuError("invalid_message", "Last-Event-ID must be epoch:offset");
  }
  return { kind: "resume", epoch, after };
}

function refusalOf({ code, reason }: Extract<Opening, { opened: false }>): DanmakuError {
  const waitMs = retryAfterMs(reason);
  if (waitMs !== undefined) {
    return new DanmakuError("unavailable", "the node is going down", { retryAfterMs: waitMs });
  }
  return new DanmakuError(
    REFUSALS[code] ?? "unavailable",
    reason === "" ? "the room cannot be joined now" : reason,
  );
}
