import { DanmakuError, isErrorCode, isRoomName, isUid } from "@danmakud/wire";
import { type FlagValues, flag, optionalFlag, renderFlags, UsageError } from "../config/index.ts";
import { seconds, words } from "../config/values.ts";
import { type Command, EXIT } from "./command.ts";
import { readVisit, VISITOR_FLAGS } from "./connect.ts";

/** As the node bounds it. */
const SECONDS_MAX = 366 * 86_400;
/** A node that is alive needs milliseconds. */
const TIMEOUT_MS = 30_000;

/** What can be done, as a call. */
const ACTIONS = {
  mute: { method: "PUT", kind: "mute", done: "is muted" },
  unmute: { method: "DELETE", kind: "mute", done: "is not muted any more" },
  ban: { method: "PUT", kind: "ban", done: "is banned" },
  unban: { method: "DELETE", kind: "ban", done: "is not banned any more" },
} as const;

type Action = (typeof ACTIONS)[keyof typeof ACTIONS];

const MODERATE_FLAGS = {
  room: optionalFlag({
    flag: "room",
    argument: "R",
    schema: words(),
    help: "where; a ban without it is from the whole site, for admins",
  }),
  uid: optionalFlag({ flag: "uid", argument: "U", schema: words(), help: "whom (required)" }),
  seconds: optionalFlag({
    flag: "seconds",
    argument: "S",
    schema: seconds(SECONDS_MAX),
    help: "for how long; also 15m, 1h, 7d. Without it until it is lifted",
  }),
  as: flag({
    flag: "as",
    argument: "U",
    schema: words(),
    fallback: "operator",
    help: "uid that does it, on a node with --dev",
  }),
  ...VISITOR_FLAGS,
} as const;

export const command: Command = {
  summary: "mute and ban users",
  help: () => `Usage: danmakud moderate mute|unmute|ban|unban --uid U [--room R] [flags]

A muted user goes on watching the room but publishes nothing; a banned one is sent away and may not
come back. The token has to be a moderator's of the room, a service's or an admin's. Lifting what
does not hold is no error.

${renderFlags(MODERATE_FLAGS)}`,
  run: async (argv) => {
    const { values, positional } = readVisit(MODERATE_FLAGS, argv);
    const action = actionOf(positional);
    const address = addressOf(values, action);
    const until = await request(address, action, values);
    const where = values.room === undefined ? "on the whole site" : `in room ${values.room}`;
    const how = until === undefined ? "" : ` until ${new Date(until).toISOString()}`;
    console.log(`${values.uid} ${action.done} ${where}${how}`);
    return EXIT.ok;
  },
};

function actionOf(name: string | undefined): Action {
  if (name !== undefined && Object.hasOwn(ACTIONS, name)) return ACTIONS[name as keyof typeof ACTIONS];
  throw new UsageError(`what is to be done? One of ${Object.keys(ACTIONS).join(", ")}`);
}

type Values = FlagValues<typeof MODERATE_FLAGS>;

/** The call's address. @throws UsageError for what no node would take. */
function addressOf({ url, room, uid, seconds: lasts, as, token }: Values, { method, kind }: Action): string {
  if (!isUid(uid)) throw new UsageError("--uid must be 1 to 64 characters of A-Z a-z 0-9 _ . -");
  if (room === undefined && kind === "mute")
    throw new UsageError("which --room? There are no mutes of the whole site");
  if (room !== undefined && !isRoomName(room)) throw new UsageError(`${JSON.stringify(room)} is no room`);
  if (lasts !== undefined && method === "DELETE")
    throw new UsageError("--seconds goes with mute and ban only");
  const base = url.replace(/^ws/, "http").replace(/\/$/, "");
  const place = room === undefined ? "" : `/rooms/${room}`;
  const who = token === undefined ? `?uid=${encodeURIComponent(as)}&role=admin` : "";
  return `${base}/v1${place}/users/${uid}/${kind}${who}`;
}

/** Does it; the end of what was imposed, if it has one. @throws DanmakuError what the node refuses, or that there is none. */
async function request(
  address: string,
  { method }: Action,
  { seconds: lasts, token }: Values,
): Promise<number | undefined> {
  const response = await fetch(address, {
    method,
    headers: {
      "content-type": "application/json",
      ...(token === undefined ? undefined : { authorization: `Bearer ${token}` }),
    },
    ...(lasts === undefined ? undefined : { body: JSON.stringify({ seconds: lasts }) }),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  }).catch((cause: unknown) => {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new DanmakuError("unavailable", `cannot reach ${new URL(address).origin}: ${reason}`, { cause });
  });
  const answer = (await response.json().catch(() => ({}))) as {
    readonly until?: number;
    readonly code?: unknown;
    readonly detail?: string;
  };
  if (response.ok) return answer.until;
  const code = isErrorCode(answer.code) ? answer.code : "unavailable";
  throw new DanmakuError(code, `${code}: ${answer.detail ?? `HTTP status ${response.status}`}`);
}
