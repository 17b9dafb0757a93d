/**
 * What the page remembers: display settings, language and visited rooms in the browser, the uid and a token in the tab.
 * Storage may be switched off or hold anything, so reads are checked and writes may fail quietly.
 */
import type { Settings as OverlaySettings } from "@danmakud/overlay";

const SETTINGS_KEY = "danmakud.settings";
const LANGUAGE_KEY = "danmakud.language";
const ROOMS_KEY = "danmakud.rooms";
const UID_KEY = "danmakud.uid";
const TOKEN_KEY = "danmakud.token";
const ROOMS_MAX = 8;

/** Display settings; numbers in percent, as the sliders hold them. */
export interface Settings {
  readonly opacity: number;
  readonly speed: number;
  readonly scale: number;
  readonly area: number;
  /** 100 = everything, less = fewer per second. */
  readonly density: number;
  /** Equal texts become one with their number. */
  readonly merge: boolean;
  /** Words that are not shown, separated by commas. */
  readonly blocked: string;
  readonly visible: boolean;
}

/** Names of the settings that are numbers. */
export type SliderName = "opacity" | "speed" | "scale" | "area" | "density";

export const DEFAULT_SETTINGS: Settings = {
  opacity: 100,
  speed: 100,
  scale: 100,
  area: 75,
  density: 100,
  merge: false,
  blocked: "",
  visible: true,
};

const RANGES: Readonly<Record<SliderName, readonly [least: number, most: number]>> = {
  opacity: [20, 100],
  speed: [50, 200],
  scale: [60, 160],
  area: [25, 100],
  density: [10, 100],
};
const BLOCKED_UNITS_MAX = 200;
/** Comments per second at a density just below 100 %. */
const DENSE_PER_SECOND = 20;
/** Equal texts this near to each other are one. */
const MERGE_WINDOW_MS = 5000;

/** Settings from what was stored; what is missing or out of range takes its default. */
export function parseSettings(stored: string | null): Settings {
  let value: unknown;
  try {
    value = JSON.parse(stored ?? "{}");
  } catch {
    return DEFAULT_SETTINGS;
  }
  if (typeof value !== "object" || value === null) return DEFAULT_SETTINGS;
  const fields = value as Partial<Record<keyof Settings, unknown>>;
  const percent = (name: SliderName) => {
    const number = fields[name];
    const [least, most] = RANGES[name];
    return typeof number === "number" && number >= least && number <= most ? number : DEFAULT_SETTINGS[name];
  };
  const choice = (name: "merge" | "visible") => {
    const chosen = fields[name];
    return typeof chosen === "boolean" ? chosen : DEFAULT_SETTINGS[name];
  };
  const { blocked } = fields;
  return {
    opacity: percent("opacity"),
    speed: percent("speed"),
    scale: percent("scale"),
    area: percent("area"),
    density: percent("density"),
    merge: choice("merge"),
    blocked: typeof blocked === "string" ? blocked.slice(0, BLOCKED_UNITS_MAX) : DEFAULT_SETTINGS.blocked,
    visible: choice("visible"),
  };
}

/** The words of `blocked`, in lower case. */
export function blockedWords({ blocked }: Settings): readonly string[] {
  return blocked
    .toLowerCase()
    .split(/[,，]/)
    .map((word) => word.trim())
    .filter((word) => word !== "");
}

/** The same as the overlay takes them. */
export function overlaySettings(settings: Settings): Partial<OverlaySettings> {
  return {
    opacity: settings.opacity / 100,
    speed: settings.speed / 100,
    fontScale: settings.scale / 100,
    area: settings.area / 100,
    maxPerSecond: settings.density === 100 ? 0 : Math.max(1, (settings.density / 100) * DENSE_PER_SECOND),
    mergeWindowMs: settings.merge ? MERGE_WINDOW_MS : 0,
    filter: { keywords: blockedWords(settings) },
  };
}

function read(store: () => Storage, key: string): string | null {
  try {
    return store().getItem(key);
  } catch {
    return null;
  }
}

function write(store: () => Storage, key: string, value: string): void {
  try {
    store().setItem(key, value);
  } catch {
    // Full or forbidden: the page works without remembering.
  }
}

const lasting = () => window.localStorage;
const perTab = () => window.sessionStorage;

export const loadSettings = (): Settings => parseSettings(read(lasting, SETTINGS_KEY));
export const saveSettings = (settings: Settings): void =>
  write(lasting, SETTINGS_KEY, JSON.stringify(settings));

export const loadLanguage = (): string | null => read(lasting, LANGUAGE_KEY);
export const saveLanguage = (language: string): void => write(lasting, LANGUAGE_KEY, language);

/** Rooms opened lately, latest first; `room` is put in front. */
export function visitRoom(room: string): readonly string[] {
  const before = (read(lasting, ROOMS_KEY) ?? "").split(" ").filter((name) => name !== "" && name !== room);
  const rooms = [room, ...before].slice(0, ROOMS_MAX);
  write(lasting, ROOMS_KEY, rooms.join(" "));
  return rooms;
}

/** This tab's uid where there is no sign-in: made once and kept through reloads. */
export function tabUid(): string {
  const kept = read(perTab, UID_KEY);
  if (kept !== null && /^[A-Za-z0-9_.-]{1,64}$/.test(kept)) return kept;
  const bytes = crypto.getRandomValues(new Uint8Array(4));
  const uid = `guest-${Array.from(bytes, (byte) => (byte % 36).toString(36)).join("")}`;
  write(perTab, UID_KEY, uid);
  return uid;
}

/**
 * A token given in the address as `#token=…`. It is kept for the tab and taken out of the address at once, so that it
 * stays out of the history and of copied links. A fragment is never sent to a server.
 */
export function tabToken(): string | undefined {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (given !== null) {
    write(perTab, TOKEN_KEY, given);
    history.replaceState(null, "", location.pathname + location.search);
  }
  return given ?? read(perTab, TOKEN_KEY) ?? undefined;
}
