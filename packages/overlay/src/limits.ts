/** Bounds of the renderer, each with its reason. */

/** Comments on stage or booked to enter: more than any screen can show, little enough to draw in a frame. */
export const ITEMS_MAX = 5000;
/** Own, paid and system comments may exceed that by so many: they are always shown. */
export const ITEMS_RESERVED = 200;
/** Comments of a timeline: ten times the largest archives of a single video. */
export const TIMELINE_MAX = 200_000;
/** After a seek, the comments that would be under way are put back, at most so many of the latest. */
export const BACKFILL_MAX = 2000;
/** Pixels of all bitmaps together (4 bytes each): 128 MiB. Comments that need more are left out. */
export const SPRITE_PIXELS_MAX = 32 * 1024 * 1024;
/** Bitmaps that nothing on stage uses, kept for the next comment with the same look. */
export const SPRITES_IDLE_MAX = 256;
/** Measured text widths kept; the same few hundred texts come again and again. */
export const WIDTHS_MAX = 2000;
/** Sides of a bitmap: canvases larger than this are refused by some browsers. */
export const SPRITE_SIDE_MAX_PX = 8192;
/** UTF-16 units of a text that are drawn: 200 code points of any kind, and some to spare. */
export const CONTENT_UNITS_MAX = 500;
/** Comments that one on stage may stand for. */
export const MERGED_MAX = 999;
/** Comments on their way to the worker: it is behind by seconds then, and later ones would be stale. */
export const IN_FLIGHT_MAX = 4000;
/** The worker says how far it is after so many comments. */
export const PROGRESS_EVERY = 500;
/** Commands kept until the worker has started. */
export const STARTING_COMMANDS_MAX = 200;
/** Comments in the list for screen readers, and how often it changes at most. */
export const READER_ROWS_MAX = 30;
export const READER_EVERY_MS = 1000;
/** Words, patterns, users, colours of a filter. */
export const FILTER_ENTRIES_MAX = 1000;
/** Areas of a mask. */
export const MASK_REGIONS_MAX = 64;
