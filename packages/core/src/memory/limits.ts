/** Smallest ring. Below this an entry of a few hundred bytes would not fit (see `RING_PAYLOAD_BYTES_MAX`). */
export const RING_BYTES_MIN = 1024;

/** Largest ring: byte indexes into it, header included, have to stay below 2^31. */
export const RING_BYTES_MAX = 1 << 29;

/** Consumers of one broadcast ring: the gateways (one per core) and the journal. The producer scans all of them. */
export const RING_CONSUMERS_MAX = 256;

/** Threads in one set of signals, heartbeats or counters. */
export const MEMORY_THREADS_MAX = 512;

/** A silence longer than this, ms, is looked into: an idle thread beats more often. */
export const HEARTBEAT_DOUBT_MS = 400;
/** Silence after which a running thread counts as hung. Two of them, a restart included, are what viewers may notice. */
export const HEARTBEAT_SILENT_MS_MAX = 1000;

/** The same for a thread that has not run a turn yet: it loads and compiles its modules first. */
export const HEARTBEAT_STARTING_MS_MAX = 15_000;

/** The same for a thread inside a system call it announced: an fsync on a busy disk takes seconds. */
export const HEARTBEAT_SYSTEM_CALL_MS_MAX = 30_000;

/**
 * The most that one tick of the watcher adds to a thread's silence. A tick that came later than this came late because
 * the watcher (or the whole machine) was stalled, which says nothing about the others.
 */
export const HEARTBEAT_TICK_MS_MAX = 200;
