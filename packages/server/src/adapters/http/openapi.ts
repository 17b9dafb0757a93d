import { BATCH_RECORDS_MAX, ID_MAX } from "@danmakud/wire";
import {
  AFTER,
  COMMON,
  json,
  LAST,
  LIMIT,
  type OpenApi,
  type Operation,
  type Parameter,
  PUBLIC,
  problem,
  query,
  ROOM,
  ROOM_FORBIDDEN,
  ROOM_NOT_FOUND,
  SIGN_IN,
} from "./openapi-parts.ts";
import { SANCTION_PATHS } from "./openapi-sanctions.ts";
import { ref, SCHEMAS } from "./openapi-schemas.ts";

const DANMAKU_EXAMPLE = {
  type: "danmaku",
  offset: 42,
  ts: 1700000000123,
  uid: "u7",
  content: "666",
  mode: "scroll",
  color: "#ffffff",
  size: 25,
  class: "normal",
} as const;
const HELLO_EXAMPLE =
  '{"type":"hello","room":"1001","epoch":"k3f9","head":41,"resumed":true,"uid":"u1","serverTime":1700000000000}';
const EVENTS_EXAMPLE = `id: k3f9:41\ndata: ${HELLO_EXAMPLE}\n\nid: k3f9:42\ndata: ${JSON.stringify(DANMAKU_EXAMPLE)}\n\n`;

const SCHEDULED_EXAMPLE = { scheduled: 57, deliverAt: 1700000060000 } as const;

const FOREIGN_PAGE = problem("With --dev, a Host or Origin that is not this machine: forbidden.");

const IDEMPOTENCY_KEY: Parameter = {
  name: "Idempotency-Key",
  in: "header",
  description:
    "As the field key. With an array, each danmaku without a key of its own gets this one and its place.",
  schema: { type: "string", minLength: 1, maxLength: 64 },
};

const POST_DANMAKU: Operation = {
  operationId: "publish",
  summary: "Publish one danmaku, or many",
  description: `An array of up to ${BATCH_RECORDS_MAX} is published in its order, and each is answered by itself.`,
  parameters: [ROOM, ...SIGN_IN, IDEMPOTENCY_KEY],
  requestBody: {
    required: true,
    content: {
      "application/json": {
        schema: { oneOf: [ref("Publish"), ref("PublishMany")] },
        example: { content: "666", mode: "scroll", color: "#ff0000", size: 25 },
      },
    },
  },
  responses: {
    "200": json(ref("PublishResults"), "The answers to an array.", {
      results: [
        { offset: 42, ts: 1700000000123, epoch: "k3f9" },
        { error: { code: "invalid_message", message: "content is empty" } },
      ],
    }),
    "201": json(ref("Published"), "Published.", { offset: 42, ts: 1700000000123, epoch: "k3f9" }),
    "202": json(ref("Scheduled"), "Accepted, to be delivered at its time.", SCHEDULED_EXAMPLE),
    ...COMMON,
    "403": problem("Not allowed to this role, room or page: forbidden, muted, banned."),
    "408": problem("The body did not arrive in time."),
    "409": problem("The room is closed: room_closed."),
    "413": problem("The body is over 2 MiB, or the array over 1,000: too_large."),
    "415": problem("The body is not application/json."),
    "422": problem("The content was refused by moderation: content_rejected."),
    "429": problem("Too fast: rate_limited.", true),
  },
};

const POST_ANNOUNCEMENT: Operation = {
  operationId: "announce",
  summary: "Make an announcement",
  description:
    "A danmaku of class system, which is never dropped or sampled; now, or at a time. For moderators of the room, services and admins. Takes what a danmaku takes but class.",
  parameters: [ROOM, ...SIGN_IN, IDEMPOTENCY_KEY],
  requestBody: {
    required: true,
    content: {
      "application/json": {
        schema: ref("Publish"),
        example: { content: "Second half in one minute", deliverAt: 1700000060000 },
      },
    },
  },
  responses: {
    "201": json(ref("Published"), "Published.", { offset: 42, ts: 1700000000123, epoch: "k3f9" }),
    "202": json(ref("Scheduled"), "Accepted, to be delivered at its time.", SCHEDULED_EXAMPLE),
    ...COMMON,
    "403": problem("Not allowed to this role, room or page: forbidden."),
    "413": problem("The body is over 2 MiB: too_large."),
    "415": problem("The body is not application/json."),
    "429": problem("Too fast: rate_limited.", true),
  },
};

const GET_SCHEDULED: Operation = {
  operationId: "scheduled",
  summary: "List what is scheduled",
  description: "By time. For moderators of the room, services and admins.",
  parameters: [ROOM, query("after", "next of the page before.", { type: "string" }), LIMIT, ...SIGN_IN],
  responses: {
    "200": json(ref("ScheduledList"), "A page."),
    ...COMMON,
    "403": problem("Not allowed to this role, room or page: forbidden."),
  },
};

const DELETE_SCHEDULED: Operation = {
  operationId: "unschedule",
  summary: "Take a scheduled danmaku back",
  description: "For moderators of the room, services and admins.",
  parameters: [
    ROOM,
    {
      name: "number",
      in: "path",
      required: true,
      description: "As scheduled in the answer to the publish.",
      schema: { type: "integer", minimum: 1 },
    },
    ...SIGN_IN,
  ],
  responses: {
    "204": { description: "It will not be delivered; that is as durable as configured." },
    ...COMMON,
    "403": problem("Not allowed to this role, room or page: forbidden."),
    "404": problem("Nothing waits under this number in the room: not_found."),
    "429": problem("Too fast: rate_limited.", true),
  },
};

const PATCH_SETTINGS: Operation = {
  operationId: "configure",
  summary: "Change a room's settings",
  description:
    "For moderators of the room, services and admins. Opens the room. What the body does not name stays as it is. Answered once the change is as durable as configured; takes effect on every node within a second.",
  parameters: [ROOM, ...SIGN_IN],
  requestBody: {
    required: true,
    content: { "application/json": { schema: ref("SettingsPatch"), example: { maxRate: 50 } } },
  },
  responses: {
    "200": json(ref("RoomSettings"), "All settings after the change."),
    ...COMMON,
    "403": problem("Not allowed to this role, room or page: forbidden."),
    "408": problem("The body did not arrive in time."),
    "413": problem("The body is over 2 MiB: too_large."),
    "415": problem("The body is not application/json."),
    "429": problem("Too fast: rate_limited.", true),
  },
};

const GET_HISTORY: Operation = {
  operationId: "history",
  summary: "Read a room's danmaku",
  description:
    "The next limit above after that still exist, or the last N; without either the newest hundred. In a room with a delay, what viewers may see by now; moderators and above get everything. Danmaku that are trimmed, deleted or lost are not in it; those that viewers did not get to see because of maxRate are.",
  parameters: [
    ROOM,
    AFTER,
    LIMIT,
    query("last", "The newest N. Goes with neither after nor limit.", LAST),
    ...SIGN_IN,
  ],
  responses: {
    "200": json(ref("HistoryPage"), "A page, oldest first.", {
      epoch: "k3f9",
      head: 42,
      danmaku: [DANMAKU_EXAMPLE],
    }),
    ...COMMON,
    "403": ROOM_FORBIDDEN,
    "404": ROOM_NOT_FOUND,
  },
};

const GET_EVENTS: Operation = {
  operationId: "events",
  summary: "Watch a room as Server-Sent Events",
  description:
    "A join like that of a WebSocket. Each record is one event without a name; its id, epoch:offset, is the position to go on from, and a browser sends it by itself when it comes back. A comment breaks the silence every 10 s. Where the node ends the stream, an event named close has the close code and the reason.",
  parameters: [
    ROOM,
    query("after", "Resume after this offset; together with epoch.", {
      type: "integer",
      minimum: 0,
      maximum: ID_MAX,
    }),
    query("epoch", "The epoch that after belongs to.", { type: "string" }),
    query("last", "Start with the last N. A resume wins over it.", { ...LAST, default: 0 }),
    {
      name: "Last-Event-ID",
      in: "header",
      description: "epoch:offset; wins over the query.",
      schema: { type: "string" },
    },
    ...SIGN_IN,
  ],
  responses: {
    "200": {
      description: "The stream.",
      content: { "text/event-stream": { schema: ref("ServerEvent"), example: EVENTS_EXAMPLE } },
    },
    ...COMMON,
    "403": ROOM_FORBIDDEN,
    "409": problem("The room is closed: room_closed."),
    "429": problem("Too many joins: rate_limited.", true),
  },
};

/**
 * The description of the HTTP face.
 * @param version Of the product.
 */
export function createOpenApi(version: string): OpenApi {
  return {
    openapi: "3.1.0",
    info: {
      title: "danmakud",
      version,
      summary: "Live comments (danmaku, bullet chat) for very many viewers.",
      description:
        "JSON over HTTP beside the WebSocket face (GET /v1/rooms/{room}/ws). Errors are RFC 9457 problems with a code from a closed list. Every path also answers HEAD where it answers GET, and OPTIONS.",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: "/" }],
    security: [{ bearer: [] }],
    paths: {
      "/v1/rooms/{room}/danmaku": { get: GET_HISTORY, post: POST_DANMAKU },
      "/v1/rooms/{room}/events": { get: GET_EVENTS },
      "/v1/rooms/{room}/ws": {
        get: {
          operationId: "websocket",
          summary: "Watch and publish over a WebSocket",
          description:
            "Subprotocol danmaku.json.v1 (also when none is asked for) or danmaku.tlv.v1. Position and sign-in as for events; a browser may also send the token as a subprotocol entry bearer.<jwt>.",
          parameters: [ROOM, ...SIGN_IN],
          responses: {
            "101": { description: "Upgraded. From here on refusals are close codes." },
            "403": problem("A foreign page asks: forbidden."),
            "426": problem("The request is no WebSocket upgrade."),
            "503": problem("Too many connections are being opened at once: overloaded.", true),
          },
        },
      },
      "/v1/rooms/{room}": {
        get: {
          operationId: "room",
          summary: "Describe a room",
          parameters: [ROOM, ...SIGN_IN],
          responses: {
            "200": json(ref("Room"), "The room."),
            ...COMMON,
            "403": ROOM_FORBIDDEN,
            "404": ROOM_NOT_FOUND,
          },
        },
      },
      "/v1/rooms/{room}/settings": { patch: PATCH_SETTINGS },
      "/v1/rooms/{room}/announcements": { post: POST_ANNOUNCEMENT },
      "/v1/rooms/{room}/scheduled": { get: GET_SCHEDULED },
      "/v1/rooms/{room}/scheduled/{number}": { delete: DELETE_SCHEDULED },
      ...SANCTION_PATHS,
      "/v1/rooms": {
        get: {
          operationId: "rooms",
          summary: "List the rooms",
          description: "For role admin. Pages in alphabetical order.",
          parameters: [
            query("after", "A room name to go on after; next of the page before.", ref("Name")),
            LIMIT,
            ...SIGN_IN,
          ],
          responses: {
            "200": json(ref("RoomList"), "A page."),
            ...COMMON,
            "403": problem("Not an admin: forbidden."),
          },
        },
      },
      "/healthz": {
        get: {
          operationId: "live",
          summary: "Is the node alive?",
          security: PUBLIC,
          responses: { "200": json(ref("Status"), "It is."), "403": FOREIGN_PAGE },
        },
      },
      "/readyz": {
        get: {
          operationId: "ready",
          summary: "Should the node get traffic?",
          security: PUBLIC,
          responses: {
            "200": json(ref("Status"), "It should."),
            "403": FOREIGN_PAGE,
            "503": problem("Not now; detail says why.", true),
          },
        },
      },
      "/openapi.json": {
        get: {
          operationId: "openapi",
          summary: "This description",
          security: PUBLIC,
          responses: { "200": json({ type: "object" }, "OpenAPI 3.1."), "403": FOREIGN_PAGE },
        },
      },
      "/docs": {
        get: {
          operationId: "docs",
          summary: "This description, to be read",
          security: PUBLIC,
          responses: {
            "200": { description: "A page.", content: { "text/html": { schema: { type: "string" } } } },
            "403": FOREIGN_PAGE,
          },
        },
      },
    },
    components: {
      securitySchemes: {
        bearer: {
          type: "http",
          scheme: "bearer",
          bearerFormat: "JWT",
          description: "sub = uid; optional name, role, rooms, exp. Not asked for with --dev.",
        },
      },
      schemas: SCHEMAS,
    },
  };
}
