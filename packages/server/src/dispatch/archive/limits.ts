/** Limits and choices of the archive, with their reasons. */

/** When lines are on disk: before they are acknowledged, within a second, or when the system likes. */
export const FSYNC_POLICIES = ["batch", "interval", "none"] as const;
export type FsyncPolicy = (typeof FSYNC_POLICIES)[number];

/** Bytes after which a file is closed and the next one begun. */
export const ROTATE_BYTES_DEFAULT = 256 * 1024 * 1024;
export const ROTATE_BYTES_MIN = 4 * 1024;
export const ROTATE_BYTES_MAX = 1024 ** 4;

/** Seconds after which a file with anything in it is closed and the next one begun. */
export const ROTATE_S_DEFAULT = 3600;
export const ROTATE_S_MAX = 366 * 86_400;

/** One write of several thousand lines costs one sync; more only makes the wait for it longer. */
export const BATCH_ENTRIES = 5_000;

/** So much (some 400 lines) is written without the thread pool, while the last write took no longer than so. */
export const IN_PLACE_BYTES_MAX = 64 * 1024;
export const IN_PLACE_MS_MAX = 2;

/** With `--archive-fsync interval`: how much a crash of the machine may cost. */
export const SYNC_INTERVAL_MS = 1_000;

/** A writer shows that it lives by touching its mark this often, … */
export const MARK_TOUCH_MS = 10_000;

/** … and is taken for dead when the mark is older than this: six touches missed. */
export const MARK_STALE_MS = 60_000;

/** Files that are looked at for a torn line when a worker starts; there is one for each writer that died. */
export const REPAIRS_MAX = 10_000;

/** A torn line is looked for in pieces of this size from the end on. */
export const REPAIR_CHUNK_BYTES = 64 * 1024;
