/** Limits of the dispatch workers, with their reasons. */

/** Places of each worker on the ring: the shares of few workers then differ by about a tenth. */
export const RING_PLACES_PER_WORKER = 128;

/** Workers on one ring; more than slots could not all have work. */
export const WORKERS_MAX = 1024;

/** How long a worker that says nothing counts as alive, and a lease holds: the longest part of a handover. */
export const LEASE_MS = 6_000;

/** A renewal may fail or come late twice before the lease is gone. */
export const RENEW_MS = 1_500;

/** A worker stops using a lease so long before Redis lets go of it: clocks differ, and commands are under way. */
export const LEASE_MARGIN_MS = 1_000;

/** Entries asked for per room and read. */
export const READ_COUNT = 100;

/** How long a read waits for something to come. */
export const BLOCK_MS = 500;

/** Rooms in one read, or reads under way at once where each is of one room: bounds a reply to some megabytes. */
export const READ_ROOMS_MAX = 64;

/** Entries of a room that may wait for the sink before the room is read again: one read's worth beyond the present one. */
export const ROOM_AHEAD_MAX = READ_COUNT;

/** Entries of all rooms in memory, waiting or at the sink; and the characters in them. Past either, reading stops. */
export const QUEUED_ENTRIES_MAX = 20_000;
export const QUEUED_CHARS_MAX = 64 * 1024 * 1024;

/** Entries in one call of a sink that does not say otherwise. */
export const BATCH_ENTRIES_DEFAULT = 1_000;
export const BATCH_ENTRIES_MAX = 10_000;

/** Calls of a sink under way at once. */
export const CONCURRENCY_DEFAULT = 4;
export const CONCURRENCY_MAX = 64;

/** Sinks of one worker; each has a bit in an entry's mask of who has it. */
export const SINKS_MAX = 8;

/** Failed calls with an entry in them after which it goes to the dead letters. */
export const TRIES_MAX = 5;

/** Pending entries that nobody has touched for so long are taken over, whoever had them. */
export const CLAIM_IDLE_MS = 30_000;

/**
 * Every room is looked at once in so long, in case a doorbell was missed or somebody left entries pending; at most so
 * many in a tick, so that a hundred thousand idle rooms cost a few per cent of a core and not a quarter of one.
 */
export const SWEEP_MS = 30_000;
export const SWEEP_ROOMS_PER_TICK = 500;

/** Slots whose sets of rooms are read at once. */
export const SCAN_PARALLEL_MAX = 32;

/** A slot that is to be given back waits so long for what waits in its rooms; then it stays pending for the next owner. */
export const GIVE_BACK_MS = 5_000;

/** Rooms attached or looked at at once. */
export const ATTACH_PARALLEL_MAX = 256;

/** Names taken from a slot's set of rooms at a time. */
export const ROOMS_PAGE = 500;

/** Rooms that one worker looks after; their names and states are some 200 bytes each. */
export const ROOMS_MAX = 1_000_000;

/** Dead letters kept per room; the oldest go first, and are counted before they come here. */
export const DEAD_LETTERS_MAX = 10_000;

/** Characters of a failure's reason that are kept. */
export const REASON_CHARS_MAX = 500;

/** Waits between tries of an entry, and while a sink or Redis is away: doubled each time, with jitter. */
export const BACKOFF_FIRST_MS = 250;
export const BACKOFF_MAX_MS = 30_000;

/** A sink may ask for a longer pause (`Retry-After`), but not for ever. */
export const PAUSE_MAX_MS = 10 * 60_000;

/** How long a stopping worker waits for its sinks and acks; the whole stop is over within 30 s. */
export const STOP_MS = 20_000;

/** Acks in a row that find more pending than is here, until the surplus is claimed: one or two may be a read under way. */
export const SURPLUS_ACKS_MAX = 3;

/** Leases asked for at once. */
export const ACQUIRE_PARALLEL_MAX = 256;

/** How often a worker says that it lives, looks for slots that are free, and gives back what it is to give back. */
export const TICK_MS = 500;

/** Rooms acknowledged by one command, where keys of several may be in one: some 0.3 ms of the server's time. */
export const ACK_ROOMS_MAX = 32;

/**
 * Least time from one read to the next, unless the last one brought a lot: under a steady trickle to many rooms it
 * divides the number of reads, calls of the sinks and acks, for a few milliseconds of delay. Rooms beyond those of one
 * read do not wait for it.
 */
export const GATHER_MS = 10;
export const GATHER_ENTRIES = 500;

/**
 * A trickle is read only when a sink can take it: what is read while all are at work waits here instead of in Redis, is
 * pending should this worker end, and comes in many small pieces. A sink that takes longer is read ahead for.
 */
export const SINK_WAIT_MS = 50;

/**
 * Entries acknowledged, some 8 MB of garbage, after which it is collected as soon as nothing is under way: half of what
 * makes the runtime collect of itself, which would be in the middle of a step.
 */
export const COLLECT_ENTRIES = 1_500;

/** Everything is collected when so much has outlived that; the runtime would at about 24 MB. */
export const COLLECT_ALL_BYTES = 12 * 1024 * 1024;

/** A heap that keeps more (of some 30,000 rooms) takes longer than a pause between steps, and is the runtime's. */
export const COLLECT_ALL_KEPT_MAX = 16 * 1024 * 1024;

/** Entries of a room whose lease has just run out wait so long, until the lease is prolonged or the room let go of. */
export const HOLD_WAIT_MS = 100;
