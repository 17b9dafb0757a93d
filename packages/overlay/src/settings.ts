/** The settings' defaults and ranges, and how changes are taken. */
import { FILTER_ENTRIES_MAX, ITEMS_MAX } from "./limits.ts";
import type { CommentClass, Filter, Overflow, Settings } from "./types.ts";

export const DEFAULT_SETTINGS: Settings = {
  opacity: 1,
  speed: 1,
  fontPx: 24,
  fontScale: 1,
  fontFamily:
    '"PingFang SC", "Hiragino Sans", "Microsoft YaHei", "Noto Sans CJK SC", "Noto Sans SC", "Segoe UI", sans-serif',
  fontWeight: 600,
  stroke: 0.13,
  area: 1,
  gapPx: 24,
  stillMs: 4500,
  overflow: "delay",
  delayMaxMs: 1200,
  maxOnScreen: 0,
  maxPerSecond: 0,
  mergeWindowMs: 0,
  filter: {},
  reducedMotion: "auto",
};

type NumberName = {
  [Name in keyof Settings]: Settings[Name] extends number ? Name : never;
}[keyof Settings];

const RANGES: Readonly<Record<NumberName, readonly [least: number, most: number]>> = {
  opacity: [0, 1],
  speed: [0.25, 4],
  fontPx: [8, 96],
  fontScale: [0.5, 3],
  fontWeight: [100, 900],
  stroke: [0, 0.3],
  area: [0.05, 1],
  gapPx: [0, 200],
  stillMs: [500, 60_000],
  delayMaxMs: [0, 60_000],
  maxOnScreen: [0, ITEMS_MAX],
  maxPerSecond: [0, 10_000],
  mergeWindowMs: [0, 60_000],
};

const OVERFLOWS: readonly unknown[] = ["drop", "delay", "overlap"] satisfies Overflow[];
const MOTIONS: readonly unknown[] = ["auto", "on", "off"];

function refuse(name: string, rule: string): never {
  throw new TypeError(`overlay: ${name} must be ${rule}`);
}

function checkOverflow(overflow: Settings["overflow"]): void {
  const values = typeof overflow === "object" && overflow !== null ? Object.values(overflow) : [overflow];
  for (const value of values) if (!OVERFLOWS.includes(value)) refuse("overflow", "drop, delay or overlap");
}

function checkFilter(filter: Filter): void {
  if (typeof filter !== "object" || filter === null) refuse("filter", "an object");
  for (const [name, entries] of Object.entries(filter)) {
    if (!Array.isArray(entries) || entries.length > FILTER_ENTRIES_MAX)
      refuse(`filter.${name}`, `a list of at most ${FILTER_ENTRIES_MAX}`);
    for (const entry of entries)
      if (name === "patterns" ? !(entry instanceof RegExp) : typeof entry !== "string")
        refuse(`filter.${name}`, name === "patterns" ? "regular expressions" : "strings");
  }
}

/**
 * Settings after a change. Numbers out of range are brought into it; undefined leaves a setting as it is.
 * @throws TypeError where a value is of the wrong kind, naming the setting
 */
export function changeSettings(settings: Settings, change: Partial<Settings>): Settings {
  const next: { -readonly [Name in keyof Settings]: Settings[Name] } = {
    ...settings,
    fontFamily: given(change.fontFamily, settings.fontFamily),
    overflow: given(change.overflow, settings.overflow),
    filter: given(change.filter, settings.filter),
    reducedMotion: given(change.reducedMotion, settings.reducedMotion),
  };
  for (const name of Object.keys(RANGES) as NumberName[]) {
    const value = given(change[name], settings[name]);
    const [least, most] = RANGES[name];
    if (typeof value !== "number" || Number.isNaN(value)) refuse(name, `a number ${least}–${most}`);
    next[name] = Math.min(most, Math.max(least, value));
  }
  checkOverflow(next.overflow);
  checkFilter(next.filter);
  if (typeof next.fontFamily !== "string") refuse("fontFamily", "a string");
  if (!MOTIONS.includes(next.reducedMotion)) refuse("reducedMotion", "auto, on or off");
  return next;
}

/** `undefined` leaves a setting as it is; `null` is a value, and refused. */
const given = <Value>(value: Value | undefined, before: Value): Value =>
  value === undefined ? before : value;

/** What becomes of a comment of this class that finds no room. */
export function overflowOf({ overflow }: Settings, rank: CommentClass): Overflow {
  return typeof overflow === "string" ? overflow : (overflow[rank] ?? "delay");
}
