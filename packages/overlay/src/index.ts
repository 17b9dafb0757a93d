/** The renderer of danmakud: comments that fly over a video or a page and never cover each other. */
export type { MediaState } from "./media.ts";
export { Overlay, type OverlayEvents, type OverlayOptions } from "./overlay.ts";
export { DEFAULT_SETTINGS } from "./settings.ts";
export type {
  Comment,
  CommentClass,
  DropReason,
  Filter,
  Mask,
  MaskRegion,
  Mode,
  Overflow,
  OverlayStats,
  Settings,
} from "./types.ts";
