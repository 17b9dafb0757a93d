/** The part of the description that is about mutes and bans. */
import { ROOM_LIMITS } from "@danmakud/core/rooms";
import {
  COMMON,
  json,
  LIMIT,
  type OpenApi,
  type Operation,
  type Parameter,
  problem,
  query,
  ROOM,
  SIGN_IN,
} from "./openapi-parts.ts";
import { ref } from "./openapi-schemas.ts";

const UID: Parameter = {
  name: "uid",
  in: "path",
  required: true,
  description: "The user; need not be connected or known.",
  schema: ref("Name"),
};

const EXAMPLE = { uid: "u7", since: 1700000000000, by: "m1", until: 1700000600000 } as const;
const FORBIDDEN = "Not allowed to this role, room or page: forbidden; or banned oneself: banned.";
const TOO_FAST = problem("Too fast: rate_limited.", true);
const BODY_REFUSALS = {
  "408": problem("The body did not arrive in time."),
  "413": problem("The body is over 2 MiB: too_large."),
  "415": problem("The body is not application/json."),
} as const;

interface Described {
  /** Of the operations. */
  readonly ids: { readonly put: string; readonly lift: string; readonly list: string };
  readonly summary: string;
  readonly noun: string;
  readonly effect: string;
  readonly who: string;
  readonly parameters: readonly Parameter[];
  /** Schema of the list, and its field. */
  readonly list: { readonly schema: string; readonly field: string };
}

function put({ ids, summary, effect, who, parameters }: Described): Operation {
  return {
    operationId: ids.put,
    summary,
    description: `${effect} For ${who}. Lasts for so many seconds; without a body or seconds until it is lifted. Repeating it sets the end anew. Answered once it is as durable as configured; takes effect on every node within a second. Tokens of services and admins are not bound by it, but what they publish as this user is.`,
    parameters: [...parameters, UID, ...SIGN_IN],
    requestBody: {
      required: false,
      content: { "application/json": { schema: ref("SanctionOrder"), example: { seconds: 600 } } },
    },
    responses: {
      "200": json(ref("Sanction"), "It holds.", EXAMPLE),
      ...COMMON,
      "403": problem(FORBIDDEN),
      ...BODY_REFUSALS,
      "429": TOO_FAST,
      "503": problem(
        `overloaded (also where ${ROOM_LIMITS.sanctionsPerRoomMax} hold already) or unavailable.`,
        true,
      ),
    },
  };
}

function lift({ ids, noun, who, parameters }: Described): Operation {
  return {
    operationId: ids.lift,
    summary: `Lift the ${noun} of a user`,
    description: `For ${who}. Also answered so where there is none.`,
    parameters: [...parameters, UID, ...SIGN_IN],
    responses: {
      "204": { description: `No ${noun} holds any more; that is as durable as configured.` },
      ...COMMON,
      "403": problem(FORBIDDEN),
      "429": TOO_FAST,
    },
  };
}

function list({ ids, noun, who, parameters, list: page }: Described): Operation {
  return {
    operationId: ids.list,
    summary: `List the ${noun}s that hold`,
    description: `By uid. For ${who}.`,
    parameters: [...parameters, query("after", "next of the page before.", ref("Name")), LIMIT, ...SIGN_IN],
    responses: {
      "200": json(ref(page.schema), "A page.", { [page.field]: [EXAMPLE] }),
      ...COMMON,
      "403": problem(FORBIDDEN),
    },
  };
}

const MODERATORS = "moderators of the room, services and admins";
const MUTE: Described = {
  ids: { put: "mute", lift: "unmute", list: "mutes" },
  summary: "Mute a user",
  noun: "mute",
  effect:
    "The user goes on watching the room; publishes are refused as muted, with the rest of it as retryAfterMs.",
  who: MODERATORS,
  parameters: [ROOM],
  list: { schema: "MuteList", field: "mutes" },
};
const BAN: Described = {
  ids: { put: "ban", lift: "unban", list: "bans" },
  summary: "Ban a user",
  noun: "ban",
  effect:
    "The user's connections in the room are closed with 4501, and joins, reads and publishes are refused as banned.",
  who: MODERATORS,
  parameters: [ROOM],
  list: { schema: "BanList", field: "bans" },
};
const SITE_BAN: Described = {
  ...BAN,
  ids: { put: "banFromSite", lift: "unbanFromSite", list: "siteBans" },
  summary: "Ban a user from the whole site",
  noun: "site ban",
  effect: "As a ban from every room, now and later.",
  who: "admins",
  parameters: [],
};

export const SANCTION_PATHS: OpenApi["paths"] = {
  "/v1/rooms/{room}/users/{uid}/mute": { put: put(MUTE), delete: lift(MUTE) },
  "/v1/rooms/{room}/mutes": { get: list(MUTE) },
  "/v1/rooms/{room}/users/{uid}/ban": { put: put(BAN), delete: lift(BAN) },
  "/v1/rooms/{room}/bans": { get: list(BAN) },
  "/v1/users/{uid}/ban": { put: put(SITE_BAN), delete: lift(SITE_BAN) },
  "/v1/bans": { get: list(SITE_BAN) },
};
