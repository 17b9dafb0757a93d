import { HttpFault, problem } from "../../problem.ts";
import type { HttpContext } from "./context.ts";
import { DOCS_CSP } from "./docs-page.ts";
import { getEvents } from "./events-route.ts";
import { jsonResponse } from "./json-response.ts";
import { type PageFile, pageResponse } from "./pages.ts";
import { postDanmaku } from "./publish-route.ts";
import { getHistory, getRoom, listRooms, patchSettings } from "./room-routes.ts";
import type { Route } from "./router.ts";
import { roomBans, roomMutes, siteBans } from "./sanction-routes.ts";
import { deleteScheduled, getScheduled, postAnnouncement } from "./scheduled-routes.ts";

/** What describes the API, made once per handler. */
export interface Documents {
  readonly openapi: string;
  readonly docs: PageFile;
}

/** Every path of the HTTP face but the pages. */
export function createRoutes(documents: Documents): readonly Route[] {
  return [
    { method: "GET", path: "/healthz", handle: () => jsonResponse('{"status":"live"}') },
    { method: "GET", path: "/readyz", handle: getReadiness },
    { method: "GET", path: "/openapi.json", handle: () => jsonResponse(documents.openapi) },
    {
      method: "GET",
      path: "/docs",
      handle: ({ request }) => pageResponse(request, documents.docs, DOCS_CSP),
    },
    { method: "GET", path: "/v1/rooms", handle: listRooms },
    { method: "GET", path: "/v1/rooms/{room}", handle: getRoom },
    { method: "PATCH", path: "/v1/rooms/{room}/settings", handle: patchSettings },
    { method: "GET", path: "/v1/rooms/{room}/danmaku", handle: getHistory },
    { method: "POST", path: "/v1/rooms/{room}/danmaku", handle: postDanmaku },
    { method: "POST", path: "/v1/rooms/{room}/announcements", handle: postAnnouncement },
    { method: "GET", path: "/v1/rooms/{room}/scheduled", handle: getScheduled },
    { method: "DELETE", path: "/v1/rooms/{room}/scheduled/{number}", handle: deleteScheduled },
    { method: "PUT", path: "/v1/rooms/{room}/users/{uid}/mute", handle: roomMutes.put },
    { method: "DELETE", path: "/v1/rooms/{room}/users/{uid}/mute", handle: roomMutes.lift },
    { method: "GET", path: "/v1/rooms/{room}/mutes", handle: roomMutes.list },
    { method: "PUT", path: "/v1/rooms/{room}/users/{uid}/ban", handle: roomBans.put },
    { method: "DELETE", path: "/v1/rooms/{room}/users/{uid}/ban", handle: roomBans.lift },
    { method: "GET", path: "/v1/rooms/{room}/bans", handle: roomBans.list },
    { method: "PUT", path: "/v1/users/{uid}/ban", handle: siteBans.put },
    { method: "DELETE", path: "/v1/users/{uid}/ban", handle: siteBans.lift },
    { method: "GET", path: "/v1/bans", handle: siteBans.list },
    { method: "GET", path: "/v1/rooms/{room}/events", handle: getEvents },
    { method: "GET", path: "/v1/rooms/{room}/ws", handle: refuseWithoutUpgrade },
  ];
}

function getReadiness({ unready }: HttpContext): Response {
  const reason = unready?.();
  return reason === undefined ? jsonResponse('{"status":"ready"}') : problem("unavailable", reason);
}

/** An upgrade never gets here. */
function refuseWithoutUpgrade(): never {
  throw new HttpFault("invalid_message", "this path speaks WebSocket only", {
    status: 426,
    headers: { upgrade: "websocket", connection: "Upgrade" },
  });
}
