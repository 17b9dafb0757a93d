import { type Sanction, type SanctionKind, UNTIL_LIFTED } from "../ports/index.ts";

/** The mutes and bans of one room, or of the site, as a gateway looks them up: by uid. */
export class SanctionBook {
  readonly #ends: Readonly<Record<SanctionKind, Map<string, number>>> = { mute: new Map(), ban: new Map() };

  get isEmpty(): boolean {
    return this.#ends.mute.size === 0 && this.#ends.ban.size === 0;
  }

  put({ kind, uid, until }: Sanction): void {
    if (until === 0) this.#ends[kind].delete(uid);
    else this.#ends[kind].set(uid, until);
  }

  /** How long one still holds, ms; 0 = it does not, infinite = until it is lifted. `now`: Unix ms. @hot */
  left(kind: SanctionKind, uid: string, now: number): number {
    const until = this.#ends[kind].get(uid);
    if (until === undefined || until <= now) return 0;
    return until === UNTIL_LIFTED ? Number.POSITIVE_INFINITY : until - now;
  }
}
