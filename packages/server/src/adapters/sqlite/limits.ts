/** Limits of the embedded log, with their reasons. */

/** Records in one row: keeps trimming fine-grained, and what a reader must take in to get at one record small. */
export const ROW_RECORDS_MAX = 256;

/** Bytes of records in one row. Not below the longest record. */
export const ROW_BYTES_MAX = 64 * 1024;

/** Keys in one row of idempotency keys. */
export const KEYS_PER_ROW_MAX = 256;

/**
 * Part of `retain` that a row may hold, and again that may be stored in excess before rows are trimmed. Together they
 * keep a room within a tenth over `retain`, and old rows go many at a time, which costs far less than one by one.
 */
export const RETAIN_SLACK = 1 / 20;

/** Rows that one commit trims from one room: bounds the pause when a node starts with a much smaller `retain`. */
export const TRIM_ROWS_MAX = 512;

/** Rows looked at together when trimming: about as many as go in one trim of a busy room. */
export const TRIM_ROWS_FETCHED = 16;

/** Rooms whose row the writer has at hand (about 300 bytes each). A miss costs one look-up. */
export const ROOMS_CACHED_MAX = 65_536;

/** Rows of keys that one `expireKeys` deletes at most, by age and by number each: a few milliseconds. */
export const EXPIRE_ROWS_MAX = 2_000;

/** Rooms that one `expireKeys` looks at for too many keys. */
export const EXPIRE_ROOMS_MAX = 256;

/** Rooms that may wait for that look. One that finds no place waits for its next key. */
export const EXPIRE_ROOMS_WAITING_MAX = 65_536;

/**
 * Rooms are indexed by age in steps of this, so that a commit need not touch the index: a finer age is compared row by
 * row, within one step only.
 */
export const AGE_STEP_MS = 10 * 60 * 1000;

/**
 * Pages (4 KiB) in the write-ahead log at which a commit moves them to the file. More means fewer page writes and
 * longer pauses: 1,000 pages gave pauses of 20 ms at full load, 8,000 of 130 ms.
 */
export const CHECKPOINT_PAGES = 2_000;

/** Bytes the write-ahead log is cut back to after a burst. */
export const WAL_BYTES_KEPT = 64 * 1024 * 1024;

/** Memory for pages in the writer and in each reader, KiB. */
export const WRITER_CACHE_KIB = 32 * 1024;
export const READER_CACHE_KIB = 4 * 1024;

/** How long a connection waits for another one of this process, e.g. while a thread that was ended lets go. */
export const BUSY_MS = 5_000;

/**
 * Files up to this size are checked whole when they are opened; larger ones where they are read. Measured: 0.4 ms of CPU
 * per MiB of long rows, 2 ms of the shortest.
 */
export const CHECK_BYTES_MAX = 64 * 1024 * 1024;

/** Rows fetched at once by a reader. */
export const FETCH_ROWS_MAX = 256;

/** Free bytes below which an input/output error is taken for a full disk. */
export const DISK_FULL_BYTES = 1024 * 1024;
