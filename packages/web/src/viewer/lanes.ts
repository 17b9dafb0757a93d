/**
 * Where a comment may fly so that no two ever touch. The stage is cut into lanes of equal height; a tall comment takes
 * several neighbouring ones. All motion is linear, so whether two comments meet is decided exactly, once, at entry.
 */

/** A comment's way across the stage: its left edge is at `startX + velocity · (t − startMs)` from start to end. */
export interface Flight {
  readonly startMs: number;
  readonly endMs: number;
  readonly startX: number;
  /** Pixels per millisecond; negative flies left, zero stands. */
  readonly velocity: number;
  readonly widthPx: number;
}

/** Left edge of a flight at a time, in pixels. */
export function flightX(flight: Flight, nowMs: number): number {
  return flight.startX + flight.velocity * (nowMs - flight.startMs);
}

/**
 * Whether two flights in one lane come closer than `gapPx` at any time while both are on stage. Their distance is a
 * linear function of time, so they stay apart exactly if they are apart on the same side at both ends.
 */
export function collide(a: Flight, b: Flight, gapPx: number): boolean {
  const from = Math.max(a.startMs, b.startMs);
  const to = Math.min(a.endMs, b.endMs);
  if (from >= to) return false;
  const atStart = flightX(b, from) - flightX(a, from);
  const atEnd = flightX(b, to) - flightX(a, to);
  const right = a.widthPx + gapPx;
  const left = -(b.widthPx + gapPx);
  return !((atStart >= right && atEnd >= right) || (atStart <= left && atEnd <= left));
}

/** Which end of the stage is looked at first. */
export type Search = "from-top" | "from-bottom";

/** The lanes of a stage and what flies in them. */
export class Lanes {
  readonly #gapPx: number;
  #lanes: Flight[][] = [];

  /** @param gapPx least distance between two comments of a lane */
  constructor(gapPx: number) {
    this.#gapPx = gapPx;
  }

  get count(): number {
    return this.#lanes.length;
  }

  /** Empties the stage and cuts it into `count` lanes. */
  reset(count: number): void {
    this.#lanes = Array.from({ length: Math.max(0, count) }, () => []);
  }

  /**
   * Finds room for a flight, `span` lanes high, within lanes `first` … `last`, and takes it.
   * @returns the topmost lane taken, or −1 where the flight would touch another everywhere
   */
  place(flight: Flight, span: number, search: Search, first = 0, last = this.#lanes.length - 1): number {
    const end = Math.min(last, this.#lanes.length - 1) - span + 1;
    for (let step = first; step <= end; step++) {
      const lane = search === "from-top" ? step : end - (step - first);
      if (!this.#free(flight, lane, span)) continue;
      for (let taken = lane; taken < lane + span; taken++) this.#lanes[taken]?.push(flight);
      return lane;
    }
    return -1;
  }

  /** Takes a flight off the stage before its end. */
  remove(flight: Flight): void {
    for (const lane of this.#lanes) {
      const at = lane.indexOf(flight);
      if (at >= 0) lane.splice(at, 1);
    }
  }

  #free(flight: Flight, lane: number, span: number): boolean {
    for (let taken = lane; taken < lane + span; taken++) {
      const flights = this.#lanes[taken];
      if (flights === undefined) return false;
      for (let at = flights.length - 1; at >= 0; at--) {
        const other = flights[at];
        if (other === undefined) continue;
        if (other.endMs <= flight.startMs) flights.splice(at, 1);
        else if (collide(other, flight, this.#gapPx)) return false;
      }
    }
    return true;
  }
}
