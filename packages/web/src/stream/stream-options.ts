/** The stream overlay's options, from the address. One table: name, kind, default, range. */
import type { Mode, OverlayOptions } from "@danmakud/overlay";
import { askedRoom } from "../shared/service.ts";

/** What the page does. */
export interface StreamOptions {
  readonly room: string;
  readonly overlay: OverlayOptions;
  /** Comments of the history to begin with. */
  readonly last: number;
  readonly uid: string | undefined;
}

/** Numbers of the query: the overlay's own names, in the units that a streamer thinks in. */
const NUMBERS = {
  opacity: { name: "opacity", least: 0, most: 100, scale: 0.01 },
  speed: { name: "speed", least: 25, most: 400, scale: 0.01 },
  size: { name: "fontPx", least: 8, most: 96, scale: 1 },
  stroke: { name: "stroke", least: 0, most: 30, scale: 0.01 },
  area: { name: "area", least: 5, most: 100, scale: 0.01 },
  max: { name: "maxOnScreen", least: 0, most: 5000, scale: 1 },
  rate: { name: "maxPerSecond", least: 0, most: 10_000, scale: 1 },
  merge: { name: "mergeWindowMs", least: 0, most: 60_000, scale: 1 },
} as const;

const CHOICES = {
  overflow: ["drop", "delay", "overlap"],
  motion: ["auto", "on", "off"],
  engine: ["auto", "worker", "canvas", "dom"],
} as const;

const MODES: readonly Mode[] = ["scroll", "reverse", "top", "bottom"];
const LAST_MAX = 50;

/** Names that the query may have. */
const KNOWN = new Set([...Object.keys(NUMBERS), ...Object.keys(CHOICES)]);
for (const name of ["room", "last", "font", "hide", "block", "users", "uid", "token"]) KNOWN.add(name);

/** Reads the query. `faults` says what is wrong in it, in words for the person who sets up the scene. */
export function readStreamOptions(query: URLSearchParams): {
  readonly options: StreamOptions;
  readonly faults: readonly string[];
} {
  const faults: string[] = [];
  const overlay: Record<string, unknown> = {};
  const number = (name: string, least: number, most: number): number | undefined => {
    const text = query.get(name);
    if (text === null) return undefined;
    const value = Number(text);
    if (text.trim() !== "" && value >= least && value <= most) return value;
    faults.push(`${name} must be a number from ${least} to ${most}`);
    return undefined;
  };
  for (const [name, field] of Object.entries(NUMBERS)) {
    const value = number(name, field.least, field.most);
    if (value !== undefined) overlay[field.name] = value * field.scale;
  }
  for (const [name, choices] of Object.entries(CHOICES)) {
    const text = query.get(name);
    if (text === null) continue;
    if ((choices as readonly string[]).includes(text))
      overlay[name === "motion" ? "reducedMotion" : name] = text;
    else faults.push(`${name} must be one of ${choices.join(", ")}`);
  }
  const words = (name: string) => (query.get(name) ?? "").split(",").filter((word) => word !== "");
  const hidden = words("hide");
  for (const mode of hidden)
    if (!(MODES as readonly string[]).includes(mode))
      faults.push(`hide must name some of ${MODES.join(", ")}`);
  overlay.filter = { modes: hidden, keywords: words("block"), users: words("users") };
  const font = query.get("font");
  if (font !== null) overlay.fontFamily = `${font}, sans-serif`;
  const asked = query.get("room");
  const room = askedRoom(query);
  if (asked !== null && asked !== room) faults.push("room must be 1–64 letters, digits, or _ . -");
  for (const name of query.keys()) if (!KNOWN.has(name)) faults.push(`there is no option ${name}`);
  return {
    options: {
      room,
      overlay: overlay as OverlayOptions,
      last: number("last", 0, LAST_MAX) ?? 0,
      uid: query.get("uid") ?? undefined,
    },
    faults,
  };
}
