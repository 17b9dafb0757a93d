/** How a comment looks, the same in every engine. */
import { CONTENT_UNITS_MAX } from "./limits.ts";
import type { Comment, Settings } from "./types.ts";

/** Everything that the bitmap of a comment depends on. Lengths in CSS px. */
export interface Look {
  readonly text: string;
  readonly px: number;
  readonly font: string;
  readonly color: string;
  readonly kind: "plain" | "own" | "paid" | "system" | "moderator";
  readonly strokePx: number;
  readonly heightPx: number;
  /** Free space left and right of the text. */
  readonly padPx: number;
}

/** Colours of the boxes around those that are marked: edge and ground. */
export const BOXES: Readonly<
  Record<Exclude<Look["kind"], "plain">, readonly [edge: string, ground: string]>
> = {
  own: ["rgba(255,176,124,.95)", "rgba(8,12,24,.4)"],
  paid: ["rgba(255,226,150,.95)", "rgba(176,112,8,.78)"],
  system: ["rgba(150,205,255,.9)", "rgba(18,52,110,.78)"],
  moderator: ["rgba(127,214,164,.85)", "rgba(10,44,30,.5)"],
};
export const STROKE_COLOR = "rgba(6,9,18,.8)";
/** Line height in text heights; baseline ("middle") in line heights. */
export const LINE = 1.36;
export const MIDDLE = 0.53;

const COLOR = /^#[\da-f]{6}$/i;
const SIZE_NORMAL = 25;

/** @param count comments that this one stands for */
export function lookOf(comment: Comment, count: number, settings: Settings): Look {
  const { content, color = "", size = SIZE_NORMAL, own } = comment;
  const rank = comment.class ?? "normal";
  const kind = own ? "own" : rank === "paid" || rank === "system" || rank === "moderator" ? rank : "plain";
  const px = (settings.fontPx * settings.fontScale * Math.min(64, Math.max(12, size))) / SIZE_NORMAL;
  const text = content.replace(/\s+/g, " ").slice(0, CONTENT_UNITS_MAX);
  const strokePx = px * settings.stroke;
  return {
    text: count > 1 ? `${text} ×${count}` : text,
    px,
    font: `${settings.fontWeight} ${px.toFixed(1)}px ${settings.fontFamily}`,
    color: COLOR.test(color) ? color : "#ffffff",
    kind,
    strokePx,
    heightPx: Math.ceil(px * LINE),
    padPx: Math.ceil(kind === "plain" ? strokePx / 2 + 1 : px * 0.45),
  };
}
