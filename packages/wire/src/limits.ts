/** Limits of everything that crosses the wire. Defined here once; every other package imports them. */

/** Characters of a room name or a uid: both are path segments and keys, so they stay short. */
export const NAME_CHARS_MAX = 64;

/** Default for the code points of a danmaku after trimming; a node may be configured otherwise. */
export const CONTENT_CODE_POINTS_MAX = 200;

/** Code points of a sender's display name, by the same character rules as content. */
export const DISPLAY_NAME_CODE_POINTS_MAX = 32;

/** UTF-8 bytes of the attributes of a danmaku as JSON text: every viewer pays for them. */
export const ATTRS_BYTES_MAX = 1024;

/** UTF-8 bytes of an idempotency key: a UUID fits, and 100,000 of them per room stay affordable. */
export const KEY_BYTES_MAX = 64;

/** Offsets and timestamps are 48 bits: 8,900 years of milliseconds, or of a thousand danmaku a second. */
export const OFFSET_MAX = 2 ** 48 - 1;

/** Unix milliseconds, 48 bits like an offset. */
export const TS_MS_MAX = 2 ** 48 - 1;

/** Ids chosen by clients: what a JavaScript number holds exactly. */
export const ID_MAX = Number.MAX_SAFE_INTEGER;

/** Milliseconds, where a duration travels in one 32-bit word. */
export const DURATION_MS_MAX = 2 ** 32 - 1;

/** Font sizes a danmaku may ask for, and what it gets when it does not. */
export const SIZE_MIN = 12;
export const SIZE_MAX = 64;
export const SIZE_DEFAULT = 25;

/** White, as 0xrrggbb. */
export const COLOR_DEFAULT = 0xffffff;
export const COLOR_MAX = 0xffffff;

/** Bytes of one frame from a client; past it `too_large`. 1,000 short publishes fit. */
export const FRAME_BYTES_MAX = 64 * 1024;

/** Bytes of a WebSocket message or HTTP body past which the connection is closed (1009) or refused (413). */
export const MESSAGE_BYTES_MAX = 2 * 1024 * 1024;

/** Publishes in one frame or one HTTP body. */
export const BATCH_RECORDS_MAX = 1000;

/** Danmaku in one page of history, and the most a viewer may start back from the head (`last`). */
export const PAGE_RECORDS_MAX = 1000;

/** Bytes of one TLV record without padding: its length travels in 16 bits. */
export const RECORD_BYTES_MAX = 0xffff;
