/** What moderators may set of a room: one definition for the sequencer that obeys it, the log that keeps it, the faces. */
import { DanmakuError } from "@danmakud/wire";
import { ROOM_LIMITS } from "./limits.ts";

export interface RoomSettings {
  /** Least time between two danmaku of one user, ms; 0 = none. */
  readonly slowModeMs: number;
  readonly membersOnly: boolean;
  /** The room takes no danmaku. */
  readonly closed: boolean;
  /** Danmaku per second that viewers see at most; 0 = no bound. `paid` and `system` pass all the same. */
  readonly maxRate: number;
  /** What viewers see is held back by this, ms. */
  readonly delayMs: number;
  readonly blockedTerms: readonly string[];
  /** The same text of one user within this time is refused, ms; 0 = never. */
  readonly duplicateWindowMs: number;
}

/** Settings of a room for which none were made. */
export const ROOM_SETTINGS_DEFAULT: RoomSettings = Object.freeze({
  slowModeMs: 0,
  membersOnly: false,
  closed: false,
  maxRate: 0,
  delayMs: 0,
  blockedTerms: Object.freeze([]),
  duplicateWindowMs: 0,
});

/** A change of settings: what it does not name stays. */
export type SettingsPatch = { readonly [Name in NumberSetting]?: number };

type NumberSetting = keyof typeof NUMBERS;

/** The settings of this version, with the highest value of each. */
const NUMBERS = {
  maxRate: ROOM_LIMITS.maxRateMax,
  delayMs: ROOM_LIMITS.delayMsMax,
  slowModeMs: ROOM_LIMITS.slowModeMsMax,
} as const;

/**
 * Checks a change that came from outside.
 *
 * @throws DanmakuError `invalid_message` for what is no object, a setting that does not exist or is not in this version,
 * a value out of range.
 */
export function parseSettingsPatch(value: unknown): SettingsPatch {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw invalid("settings are a JSON object");
  }
  const patch: { -readonly [Name in NumberSetting]?: number } = {};
  for (const [name, given] of Object.entries(value)) {
    if (isNumberSetting(name)) patch[name] = checkNumber(name, given);
    else if (Object.hasOwn(ROOM_SETTINGS_DEFAULT, name)) throw invalid(`${name} is not in this version`);
    else throw invalid(`unknown setting ${JSON.stringify(name)}`);
  }
  return patch;
}

/** The settings after a change. */
export function mergeSettings(settings: RoomSettings, patch: SettingsPatch): RoomSettings {
  return { ...settings, ...patch };
}

/** Settings as the log and the rings carry them: JSON of what differs from the default, "" where nothing does. */
export function settingsText(settings: RoomSettings): string {
  const changed: Record<string, number> = {};
  for (const name in NUMBERS) {
    if (isNumberSetting(name) && settings[name] !== ROOM_SETTINGS_DEFAULT[name])
      changed[name] = settings[name];
  }
  const text = JSON.stringify(changed);
  return text === "{}" ? "" : text;
}

/** Settings from their text. @throws DanmakuError where this version has not written it. */
export function settingsFromText(text: string): RoomSettings {
  return text === ""
    ? ROOM_SETTINGS_DEFAULT
    : mergeSettings(ROOM_SETTINGS_DEFAULT, parseSettingsPatch(JSON.parse(text)));
}

function isNumberSetting(name: string): name is NumberSetting {
  return Object.hasOwn(NUMBERS, name);
}

function checkNumber(name: NumberSetting, given: unknown): number {
  if (typeof given === "number" && Number.isInteger(given) && given >= 0 && given <= NUMBERS[name]) {
    // Not the negative zero, which JSON knows.
    return given + 0;
  }
  throw invalid(`${name} is not a whole number from 0 to ${NUMBERS[name]}`);
}

function invalid(message: string): DanmakuError {
  return new DanmakuError("invalid_message", message);
}
