import { ROOM_LIMITS } from "@danmakud/core/rooms";
import {
  ATTRS_BYTES_MAX,
  BATCH_RECORDS_MAX,
  CLASSES,
  CONTENT_CODE_POINTS_MAX,
  DISPLAY_NAME_CODE_POINTS_MAX,
  DURATION_MS_MAX,
  ERROR_CODES,
  GAP_REASONS,
  KEY_BYTES_MAX,
  MODES,
  NAME_CHARS_MAX,
  OFFSET_MAX,
  SIZE_DEFAULT,
  SIZE_MAX,
  SIZE_MIN,
  TS_MS_MAX,
} from "@danmakud/wire";

/** A JSON Schema (2020-12), as far as the description of this API uses it. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: "object" | "array" | "string" | "integer" | "number" | "boolean";
  readonly const?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean;
  readonly items?: Schema;
  readonly oneOf?: readonly Schema[];
  readonly enum?: readonly string[];
  readonly pattern?: string;
  readonly format?: string;
  readonly default?: string | number | boolean;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly maxItems?: number;
}

/** A reference to a named schema. */
export function ref(name: string): Schema {
  return { $ref: `#/components/schemas/${name}` };
}

const NAME: Schema = { type: "string", pattern: `^[A-Za-z0-9_.-]{1,${NAME_CHARS_MAX}}$` };
const OFFSET: Schema = {
  type: "integer",
  minimum: 0,
  maximum: OFFSET_MAX,
  description:
    "Increases within a room, in the one order that every viewer sees; compares only within an epoch.",
};
const TS: Schema = {
  type: "integer",
  minimum: 0,
  maximum: TS_MS_MAX,
  description: "Unix time in milliseconds by the server; never decreases with the offset.",
};
const TIME: Schema = {
  type: "integer",
  minimum: 0,
  maximum: TS_MS_MAX,
  description: "Unix time in milliseconds.",
};
const NEXT_UID: Schema = { ...NAME, description: "Value of after for the next page; absent on the last." };
const EPOCH: Schema = { type: "string", description: "Names one life of a room's log." };
const MODE: Schema = { type: "string", enum: MODES, default: "scroll" };
const COLOR: Schema = { type: "string", pattern: "^#[0-9a-fA-F]{6}$", default: "#ffffff" };
const SIZE: Schema = { type: "integer", minimum: SIZE_MIN, maximum: SIZE_MAX, default: SIZE_DEFAULT };
const CLASS: Schema = {
  type: "string",
  enum: CLASSES,
  description: "Lowest first. paid and system are never left out.",
};
const ATTRS: Schema = {
  type: "object",
  description: `Any object of at most ${ATTRS_BYTES_MAX} bytes of JSON.`,
};
const CODE: Schema = { type: "string", enum: ERROR_CODES };
const RETRY: Schema = {
  type: "integer",
  minimum: 0,
  description: "When to try again, milliseconds from now.",
};

const SCHEDULED: Schema = {
  type: "integer",
  minimum: 1,
  description: "Names a danmaku that waits for its time; never given twice.",
};

const MAX_RATE: Schema = {
  type: "integer",
  minimum: 0,
  maximum: ROOM_LIMITS.maxRateMax,
  default: 0,
  description:
    "Danmaku per second that viewers see at most; 0 = no bound. What is over it is left out by class, the lowest first (paid and system never), and announced by gaps with reason sampled; its sender sees it all the same.",
};

const DELAY_MS: Schema = {
  type: "integer",
  minimum: 0,
  maximum: ROOM_LIMITS.delayMsMax,
  default: 0,
  description: "Viewers see what is older than this, in milliseconds, to match the delay of their video.",
};
const SLOW_MODE_MS: Schema = {
  type: "integer",
  minimum: 0,
  maximum: ROOM_LIMITS.slowModeMsMax,
  default: 0,
  description:
    "Least time between two danmaku of one user, in milliseconds; 0 = none. Moderators, services and admins are not bound.",
};

function object(
  properties: Readonly<Record<string, Schema>>,
  optional: readonly string[] = [],
  description?: string,
): Schema {
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  const schema: Schema = { type: "object", properties, required };
  return description === undefined ? schema : { ...schema, description };
}

function record(
  type: string,
  description: string,
  fields: Readonly<Record<string, Schema>>,
  optional: readonly string[] = [],
): Schema {
  return object({ type: { type: "string", const: type }, ...fields }, optional, description);
}

/** Schemas by name, for `components.schemas`. */
export const SCHEMAS: Readonly<Record<string, Schema>> = {
  Name: NAME,
  Publish: {
    ...object(
      {
        content: {
          type: "string",
          description: `1–${CONTENT_CODE_POINTS_MAX} code points after trimming (a node may be set otherwise). Refused: control characters, lone surrogates, U+2028/2029, bidirectional controls, text that is invisible throughout.`,
        },
        mode: MODE,
        color: COLOR,
        size: SIZE,
        key: {
          type: "string",
          minLength: 1,
          maxLength: KEY_BYTES_MAX,
          description: `At most ${KEY_BYTES_MAX} bytes. A repeat of (room, uid, key) is answered with the first one's offset, for 5 minutes or the room's last 100,000 keys.`,
        },
        uid: {
          ...NAME,
          description:
            "Who sends. Own one, or any for role service; with --dev it may replace the query's uid.",
        },
        name: {
          type: "string",
          description: `At most ${DISPLAY_NAME_CODE_POINTS_MAX} code points. For role service.`,
        },
        class: {
          ...CLASS,
          description: "Default and highest by role; service up to paid, admin up to system.",
        },
        attrs: { ...ATTRS, description: `${ATTRS.description} For role service.` },
        deliverAt: {
          ...TS,
          description:
            "When to deliver it, Unix ms, a year ahead at most; past = now. For moderators and services.",
        },
        delayMs: {
          type: "integer",
          minimum: 0,
          maximum: DURATION_MS_MAX,
          description: "When to deliver it, ms from now. Not with deliverAt. For moderators and services.",
        },
      },
      ["mode", "color", "size", "key", "uid", "name", "class", "attrs", "deliverAt", "delayMs"],
      "One danmaku to be published. Other fields are invalid_message.",
    ),
    additionalProperties: false,
  },
  PublishMany: { type: "array", items: ref("Publish"), maxItems: BATCH_RECORDS_MAX },
  Published: object(
    { offset: OFFSET, ts: TS, epoch: EPOCH },
    [],
    "In the room's log, as durable as configured.",
  ),
  Scheduled: object(
    { scheduled: SCHEDULED, deliverAt: { ...TS, description: "Unix ms." } },
    [],
    "Waits for its time, as durable as configured.",
  ),
  ScheduledList: object(
    {
      scheduled: {
        type: "array",
        items: object(
          {
            scheduled: SCHEDULED,
            deliverAt: { ...TS, description: "Unix ms." },
            uid: NAME,
            content: { type: "string" },
            mode: { type: "string", enum: MODES },
            color: COLOR,
            size: SIZE,
            class: CLASS,
            name: { type: "string" },
            attrs: ATTRS,
          },
          ["name", "attrs"],
        ),
      },
      next: { type: "string", description: "Value of after for the next page; absent on the last." },
    },
    ["next"],
  ),
  Refused: object({
    error: object({ code: CODE, message: { type: "string" }, retryAfterMs: RETRY }, ["retryAfterMs"]),
  }),
  PublishResults: object({
    results: {
      type: "array",
      items: { oneOf: [ref("Published"), ref("Scheduled"), ref("Refused")] },
      description: "One for each danmaku, in the order of the request.",
    },
  }),
  Danmaku: record(
    "danmaku",
    "One comment.",
    {
      offset: OFFSET,
      ts: TS,
      uid: NAME,
      content: { type: "string" },
      mode: { type: "string", enum: MODES },
      color: { type: "string", pattern: "^#[0-9a-f]{6}$" },
      size: { type: "integer", minimum: SIZE_MIN, maximum: SIZE_MAX },
      class: CLASS,
      name: { type: "string" },
      attrs: ATTRS,
    },
    ["name", "attrs"],
  ),
  HistoryPage: object({
    epoch: EPOCH,
    head: { ...OFFSET, description: "The highest offset used or burned." },
    danmaku: { type: "array", items: ref("Danmaku") },
  }),
  RoomSettings: object(
    {
      slowModeMs: SLOW_MODE_MS,
      membersOnly: { type: "boolean" },
      closed: { type: "boolean" },
      maxRate: MAX_RATE,
      delayMs: DELAY_MS,
      blockedTerms: { type: "array", items: { type: "string" } },
      duplicateWindowMs: { type: "integer", minimum: 0 },
    },
    [],
    "Of a room. In this version maxRate, delayMs and slowModeMs can be changed.",
  ),
  SettingsPatch: {
    ...object(
      { maxRate: MAX_RATE, delayMs: DELAY_MS, slowModeMs: SLOW_MODE_MS },
      ["maxRate", "delayMs", "slowModeMs"],
      "What is named changes, the rest stays. The other settings are invalid_message in this version.",
    ),
    additionalProperties: false,
  },
  SanctionOrder: {
    ...object({ seconds: { type: "integer", minimum: 1, maximum: ROOM_LIMITS.sanctionSecondsMax } }, [
      "seconds",
    ]),
    additionalProperties: false,
  },
  Sanction: object(
    {
      uid: NAME,
      since: TIME,
      by: { ...NAME, description: "Who imposed it." },
      until: { ...TIME, description: "Its end; absent where it holds until it is lifted." },
    },
    ["until"],
    "A mute or ban.",
  ),
  MuteList: object({ mutes: { type: "array", items: ref("Sanction") }, next: NEXT_UID }, ["next"]),
  BanList: object({ bans: { type: "array", items: ref("Sanction") }, next: NEXT_UID }, ["next"]),
  Room: object({
    room: NAME,
    epoch: EPOCH,
    head: OFFSET,
    online: { type: "integer", minimum: 0, description: "Connections in the room." },
    rate: { type: "number", minimum: 0, description: "Danmaku per second over the last ten seconds." },
    sampledRate: {
      type: "number",
      minimum: 0,
      description: "Of those, left out of what viewers see because of maxRate.",
    },
    settings: ref("RoomSettings"),
  }),
  RoomList: object(
    {
      rooms: { type: "array", items: ref("Room") },
      next: { ...NAME, description: "Value of after for the next page; absent on the last." },
    },
    ["next"],
  ),
  Hello: record("hello", "Always first, and again when the epoch changes.", {
    room: NAME,
    epoch: EPOCH,
    head: OFFSET,
    resumed: {
      type: "boolean",
      description: "Everything after the position asked for follows, holes announced.",
    },
    uid: NAME,
    serverTime: TS,
  }),
  Delete: record(
    "delete",
    "Take one danmaku (of), or all of a user before this offset (ofUid), off the screen.",
    { offset: OFFSET, ts: TS, of: OFFSET, ofUid: NAME },
    ["ts", "of", "ofUid"],
  ),
  Gap: record("gap", "These offsets will not come.", {
    from: OFFSET,
    to: OFFSET,
    reason: { type: "string", enum: GAP_REASONS },
  }),
  Stats: record("stats", "At most every 5 s.", { online: { type: "integer", minimum: 0 } }),
  ServerEvent: {
    description: "The data of one event.",
    oneOf: ["Hello", "Danmaku", "Delete", "Gap", "Stats"].map(ref),
  },
  Status: object({ status: { type: "string", enum: ["live", "ready"] } }),
  Problem: object(
    {
      type: { type: "string", format: "uri-reference" },
      title: { type: "string" },
      status: { type: "integer" },
      code: CODE,
      detail: { type: "string" },
      retryAfterMs: RETRY,
    },
    ["retryAfterMs"],
    "RFC 9457, with the code as an extension.",
  ),
};
