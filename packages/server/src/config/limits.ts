/** Bounds of settings. Each is where a larger number stops making sense, not a promise that the machine can do it. */

/** Each gateway costs an ingress ring of fixed size and a place among the broadcast ring's consumers. */
export const THREADS_MAX = 64;
/** A room's history is read back by pages; beyond this a room is an archive, which is another tool's work. */
export const RETAIN_MAX = 100_000_000;
/** Ten years. */
export const ROOM_TTL_S_MAX = 10 * 365 * 86_400;
/** Rooms are numbered by 32-bit integers within a node. */
export const ROOMS_MAX_CEILING = 1_000_000_000;
/** One day; whoever wants more wants a larger cache, not a later release. */
export const ROOM_LINGER_MS_MAX = 86_400_000;
/** At four bytes each it fits a record of 64 KiB beside the longest name and attributes. */
export const CONTENT_MAX_CEILING = 10_000;

/** More than any core has done; above it the bound bounds nothing. */
export const HANDSHAKES_PER_SECOND_MAX = 1_000_000;

/** A danmaku that comes a second late is no longer live. */
export const LATENCY_TARGET_MS_MAX = 1000;
