import type { Database } from "bun:sqlite";
import { createHash, randomBytes } from "node:crypto";
import { damaged } from "./errors.ts";

/** The row of `meta`. Flags are 0 or 1. */
export interface RunState {
  readonly generation: number;
  readonly burn: number;
  readonly burned: number;
  readonly running: number;
  readonly unsynced: number;
  readonly boot: string;
  readonly life: number;
  readonly seed: string;
}

/** What a run tells about itself when it starts. */
export interface RunStart {
  readonly burn: number;
  readonly bootId: string;
  /** Commits reach the disk itself (`fsync`). */
  readonly synced: boolean;
  readonly nowMs: number;
}

/**
 * The state of the next run, given what the last one left.
 *
 * Without a clean stop the last run may have shown up to `burn` offsets per room that were not stored, so all of them
 * are burned. The sum is kept rather than a product, because `burn` may differ from run to run.
 *
 * Where commits were not synced and the machine has been started anew since, any number of offsets may be lost: then
 * every room gets a new epoch. `unsynced` outlives a run that stopped uncleanly, also when the next one does sync,
 * because that one does not sync what it did not write.
 */
export function nextRun(last: RunState, start: RunStart): RunState {
  const unclean = last.running === 1;
  const sameBoot = start.bootId !== "" && start.bootId === last.boot;
  const newLife = last.seed === "" || (last.unsynced === 1 && !sameBoot);
  return {
    generation: last.generation + (unclean ? 1 : 0),
    burn: start.burn,
    burned: last.burned + (unclean ? last.burn : 0),
    running: 1,
    unsynced: start.synced && (last.unsynced === 0 || (newLife && start.bootId !== "")) ? 0 : 1,
    boot: start.bootId,
    life: last.life + (newLife ? 1 : 0),
    seed: newLife ? randomBytes(16).toString("hex") : last.seed,
  };
}

/** Marks the start of a run. Must be durable before anything else is done: the caller sets `synchronous` to FULL. */
export function startRun(
  db: Database,
  dir: string,
  start: RunStart,
): { readonly unclean: boolean; readonly state: RunState } {
  db.run("BEGIN IMMEDIATE");
  const last = db.query<RunState, []>("SELECT * FROM meta").get();
  if (last === null) throw damaged(dir, "its first table is empty");
  const state = nextRun(last, start);
  db.query(
    `UPDATE meta SET generation = ?, burn = ?, burned = ?, running = 1, unsynced = ?, boot = ?, life = ?, seed = ?,
     opened_ms = ?`,
  ).run(
    state.generation,
    state.burn,
    state.burned,
    state.unsynced,
    state.boot,
    state.life,
    state.seed,
    start.nowMs,
  );
  db.run("COMMIT");
  return { unclean: last.running === 1, state };
}

/**
 * Marks a clean stop: first everything goes from the write-ahead log to the file and both to the disk, then the mark
 * itself. Where a reader stood in the way of that, `unsynced` stays. A writer that was superseded (`generation` has
 * grown) marks nothing.
 */
export function endRun(db: Database, generation: number): void {
  db.run("PRAGMA synchronous = FULL");
  // Something must be in the write-ahead log, or else the file would not be synced.
  db.query("UPDATE meta SET running = 1 WHERE generation = ?").run(generation);
  const moved = db.query<{ busy: number }, []>("PRAGMA wal_checkpoint(TRUNCATE)").get()?.busy === 0;
  db.query(`UPDATE meta SET running = 0${moved ? ", unsynced = 0" : ""} WHERE generation = ?`).run(
    generation,
  );
}

/** Epoch of a room of an older life until its next write stores it: the same on every thread and after every start. */
export function epochOfNewLife(seed: string, room: string): string {
  return createHash("sha256").update(`${seed}\n${room}`).digest("base64url").slice(0, 16);
}
