/** What is shown and how: comments, settings, counts. Fields of a comment are named as in danmakud's records. */

/** How a comment moves. */
export type Mode = "scroll" | "reverse" | "top" | "bottom";

/** Rank of a comment; `paid` and `system` are always shown. */
export type CommentClass = "normal" | "member" | "moderator" | "paid" | "system";

/** One comment. A record of `@danmakud/client` is one as it is. */
export interface Comment {
  /** Shown as it is, never as markup. */
  readonly content: string;
  /** Names the comment for `remove`. */
  readonly offset?: number;
  readonly uid?: string;
  /** Default `scroll`. */
  readonly mode?: Mode;
  /** `#rrggbb`; default `#ffffff`. */
  readonly color?: string;
  /** 12–64, 25 = the normal size (default). */
  readonly size?: number;
  /** Default `normal`. */
  readonly class?: CommentClass;
  /** The viewer's own: marked, and always shown. */
  readonly own?: boolean;
  /** Position in the media, ms. With it a comment belongs to the timeline; without, it is shown now. */
  readonly timeMs?: number;
  /** For a comment that comes late: how long ago it should have entered, ms. It is shown as far on its way. */
  readonly ageMs?: number;
}

/**
 * What becomes of a comment that finds no room:
 * - `drop`: left out, counted.
 * - `delay`: enters as soon as there is room, within `delayMaxMs`, else left out.
 * - `overlap`: shown at once where it covers fewest others.
 */
export type Overflow = "drop" | "delay" | "overlap";

/** Comments that are not shown. */
export interface Filter {
  /** Texts that contain one of these, in any case. */
  readonly keywords?: readonly string[];
  readonly patterns?: readonly RegExp[];
  /** uids. */
  readonly users?: readonly string[];
  readonly modes?: readonly Mode[];
  /** `#rrggbb`; or `"coloured"`: everything but white. */
  readonly colors?: readonly string[];
}

/** A part of the stage that comments do not cover, in fractions of its width and height. */
export interface MaskRegion {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** An ellipse within the box instead of the box. */
  readonly round?: boolean;
}

/** What comments leave free: regions, or a picture (stretched over the stage) whose opaque parts are left free. */
export type Mask = readonly MaskRegion[] | ImageBitmap;

/** Settings that can be changed at any time. */
export interface Settings {
  /** 0–1. Default 1. */
  readonly opacity: number;
  /** 0.25–4, 1 = a 1280 px wide stage is crossed in 9 s. */
  readonly speed: number;
  /** Height of normal text, CSS px, 8–96. Default 24. */
  readonly fontPx: number;
  /** 0.5–3, multiplies all sizes. Default 1. */
  readonly fontScale: number;
  readonly fontFamily: string;
  /** 100–900. Default 600. */
  readonly fontWeight: number;
  /** Outline, in parts of the text's height, 0–0.3. Default 0.13; 0 = none. */
  readonly stroke: number;
  /** Part of the height, from the top, that moving comments may use: 0.25, 0.5, 0.75 or 1 (any 0.05–1). */
  readonly area: number;
  /** Least distance between two comments of a lane, CSS px, 0–200. Default 24. */
  readonly gapPx: number;
  /** How long comments at top and bottom stand, ms, 500–60,000. Default 4,500. */
  readonly stillMs: number;
  /** For all classes, or by class. Default: `delay`. Own comments are always delayed, as long as it takes. */
  readonly overflow: Overflow | Readonly<Partial<Record<CommentClass, Overflow>>>;
  /** Longest delay, ms, 0–60,000; own, paid and system comments wait without limit. Default 1,200. */
  readonly delayMaxMs: number;
  /** Most comments on stage, 0–5,000; 0 = as many as fit. Own, paid and system ones come on top. */
  readonly maxOnScreen: number;
  /** Most comments that enter per second, 0–10,000; 0 = no bound. Own, paid and system ones come on top. */
  readonly maxPerSecond: number;
  /** Equal texts within so many ms become one with their number (×n), 0–60,000; 0 = off (default). */
  readonly mergeWindowMs: number;
  readonly filter: Filter;
  /** Comments stand instead of fly. `auto` (default) follows the system's setting. */
  readonly reducedMotion: "auto" | "on" | "off";
}

/** Why comments were not shown. */
export type DropReason =
  /** No room, or the delay would have been too long. */
  | "full"
  /** More than `maxOnScreen` or `maxPerSecond`. */
  | "density"
  | "filtered"
  /** Came while the tab or the layer was hidden. */
  | "hidden"
  /** Came while paused. */
  | "paused"
  /** Their time had passed before they could be shown. */
  | "late"
  /** Found no room after the stage or the settings had changed. */
  | "resized"
  /** The worker was too far behind. */
  | "overrun"
  /** Past the bounds of a timeline. */
  | "bounds";

/** Counts since the start, and the present state. */
export interface OverlayStats {
  readonly engine: "worker" | "canvas" | "dom";
  /** On stage now. */
  readonly onScreen: number;
  /** Booked to enter. */
  readonly waiting: number;
  /** Comments of the timeline. */
  readonly timeline: number;
  /** Comments that entered, each merged one counted. */
  readonly shown: number;
  readonly merged: number;
  readonly dropped: Readonly<Record<DropReason, number>>;
  /** Frames drawn since the start. */
  readonly frames: number;
  /** Time spent on drawing since the start, ms, in the thread that draws. */
  readonly drawMs: number;
  /** Frames drawn in the last second. */
  readonly fps: number;
  /** Bitmaps and their pixels. */
  readonly sprites: number;
  readonly spritePixels: number;
}
