/** Mutes and bans, as the log keeps them. */

/** `mute`: may not publish. `ban`: may not enter either. The place in the list is the kind's number in rings and tables; append only. */
export const SANCTION_KINDS = ["mute", "ban"] as const;
export type SanctionKind = (typeof SANCTION_KINDS)[number];

/** In place of a room: the whole site. No room has this name. */
export const SITE = "";

/** `until` of what holds until it is lifted: later than any clock. */
export const UNTIL_LIFTED = Number.MAX_SAFE_INTEGER;

/** What holds against one user, in one room or everywhere. At most one of each kind. */
export interface Sanction {
  readonly kind: SanctionKind;
  /** A room's name, or `SITE`. */
  readonly room: string;
  readonly uid: string;
  /** End, Unix ms; `UNTIL_LIFTED` = none; 0 = it is lifted. */
  readonly until: number;
  /** When it was imposed, Unix ms, and the uid of who did it. */
  readonly since: number;
  readonly by: string;
}

/** Read side. Of a log that is far away the answers come later. */
export interface SanctionReader {
  /** Those of a kind that hold at `now` (Unix ms) in a room or on the site, by uid, after the one named ("" = from the start). */
  sanctions(
    room: string,
    kind: SanctionKind,
    now: number,
    after: string,
    limit: number,
  ): readonly Sanction[] | Promise<readonly Sanction[]>;
  /** Until when a user is banned from a room, by a ban in it or on the site; 0 = is not. */
  bannedUntil(room: string, uid: string): number | Promise<number>;
  /** All of a log of this machine's own, in no order. */
  allSanctions(): Iterable<Sanction>;
}
