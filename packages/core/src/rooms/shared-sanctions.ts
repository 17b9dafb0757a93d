/**
 * The mutes and bans of a shared log, on one node: those of the site from the start, those of a room while it is open
 * here. What other nodes change is read anew when the revision is another one: of rooms that is seen by the looks at them,
 * of the site by asking twice a second.
 */
import type { Clock, Sanction, SharedSanctionLog, SharedSanctions } from "../ports/index.ts";
import { SITE } from "../ports/index.ts";
import type { BroadcastWriter, Origin } from "./broadcast-writer.ts";
import { SanctionDesk } from "./sanction-desk.ts";
import { SHARED_LIMITS } from "./shared-limits.ts";

export interface SharedSanctionOptions {
  readonly log: SharedSanctionLog;
  readonly writer: BroadcastWriter;
  readonly clock: Clock;
  /** Whether the room is open on this node, or being opened. */
  readonly isOpen: (room: string) => boolean;
  readonly onHeard: () => void;
  readonly onFailure: (cause: Error) => void;
  /** Has `turn` called soon. */
  readonly wake: () => void;
}

export class SharedSanctionRooms {
  readonly desk: SanctionDesk;
  readonly #options: SharedSanctionOptions;
  /** What was read last, by room. */
  readonly #revisions = new Map<string, string>();
  /** Rooms that are being read, with the revision that was last seen. */
  readonly #reading = new Map<string, string>();
  /** Rooms in which something is over: the log is to take it out. */
  readonly #toSweep = new Set<string>();
  #siteAskedAt = Number.NEGATIVE_INFINITY;
  #isAskingSite = false;

  constructor(options: SharedSanctionOptions) {
    this.#options = options;
    this.desk = new SanctionDesk(options.writer, options.clock.now(), [], ({ room }) =>
      this.#toSweep.add(room),
    );
  }

  /** Whether it is known who may not be let in at all. */
  get isReady(): boolean {
    return this.#revisions.has(SITE);
  }

  /** Reads those of a room that is being opened. */
  opening(room: string, onDone: (failure: Error | undefined) => void): void {
    this.#options.log.all(room, (found) => {
      if (found instanceof Error) return onDone(found);
      if (this.#options.isOpen(room)) {
        const now = this.#options.clock.now();
        // An answer to the room's former life may have come since.
        this.desk.held.forget(room);
        for (const sanction of found.sanctions) if (sanction.until > now) this.desk.held.put(sanction);
        this.#revisions.set(room, found.revision);
      }
      onDone(undefined);
    });
  }

  /** The room is let go of. */
  forget(room: string): void {
    this.desk.held.forget(room);
    this.#revisions.delete(room);
    this.#toSweep.delete(room);
  }

  /** The log has this revision of an open room. */
  looked(room: string, revision: string): void {
    if (this.#reading.has(room)) this.#reading.set(room, revision);
    else if (revision !== this.#revisions.get(room)) this.#read(room, revision);
  }

  /** Imposes or lifts one, and answers `origin`. */
  impose(sanction: Sanction, origin: Origin): void {
    const { log, writer, isOpen, onHeard, onFailure, wake } = this.#options;
    const { room } = sanction;
    const before = this.#revisions.get(room);
    log.impose(sanction, (result) => {
      if (result instanceof Error) {
        onFailure(result);
        this.desk.later(() => writer.reject(origin, "unavailable"));
      } else if (result === "full") {
        this.desk.later(() => writer.reject(origin, "overloaded"));
      } else {
        onHeard();
        // The revision stays as it was read: another node's change may lie between.
        const isHeld = room === SITE || isOpen(room);
        if (isHeld) this.desk.held.put(sanction);
        this.desk.changed(sanction, origin);
        // What was read while replicas were waited for may have been newer than this.
        const since = this.#revisions.get(room);
        if (isHeld && since !== before && since !== undefined && !this.#reading.has(room))
          this.#read(room, since);
      }
      wake();
    });
  }

  /** Work by the clock. Call every 200 ms or so. */
  tick(): void {
    const { log, clock, onFailure } = this.#options;
    const now = clock.monotonic();
    if (!this.#isAskingSite && now - this.#siteAskedAt >= SHARED_LIMITS.siteAskIntervalMs) {
      this.#siteAskedAt = now;
      this.#isAskingSite = true;
      log.revision(SITE, (revision) => {
        this.#isAskingSite = false;
        if (revision instanceof Error) onFailure(revision);
        else this.looked(SITE, revision);
      });
    }
    for (const room of this.#toSweep) {
      this.#toSweep.delete(room);
      log.sweep(room, clock.now(), (result) => {
        // What stays in the log does no harm: its end is past, and it goes with the next one.
        if (result instanceof Error) onFailure(result);
      });
    }
  }

  #read(room: string, revision: string): void {
    this.#reading.set(room, revision);
    this.#options.log.all(room, (found) => {
      const seen = this.#reading.get(room) ?? "";
      this.#reading.delete(room);
      if (found instanceof Error) return this.#options.onFailure(found);
      if (room !== SITE && !this.#options.isOpen(room)) return;
      this.#take(room, found);
      // It may have changed again meanwhile.
      if (seen !== revision) this.looked(room, seen);
      this.#options.wake();
    });
  }

  /** Tells gateways of what differs. */
  #take(room: string, { revision, sanctions }: SharedSanctions): void {
    const now = this.#options.clock.now();
    const wanted = new Map<string, Sanction>();
    for (const sanction of sanctions) {
      if (sanction.until > now) wanted.set(`${sanction.kind} ${sanction.uid}`, sanction);
    }
    for (const sanction of [...this.desk.held.of(room)]) {
      const key = `${sanction.kind} ${sanction.uid}`;
      const found = wanted.get(key);
      if (found === undefined) this.#change({ ...sanction, until: 0 });
      else if (found.until === sanction.until) wanted.delete(key);
    }
    for (const sanction of wanted.values()) this.#change(sanction);
    this.#revisions.set(room, revision);
  }

  #change(sanction: Sanction): void {
    this.desk.held.put(sanction);
    this.desk.changed(sanction, undefined);
  }
}
