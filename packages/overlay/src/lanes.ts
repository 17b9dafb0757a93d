/**
 * The stage cut into lanes of equal height; a tall comment takes several neighbouring ones. A lane knows every flight
 * in it, those under way and those booked for later, so a free place is found once, at entry, and holds for the whole
 * flight.
 */
import { collide, type Flight, startBehind } from "./flight.ts";

/** Where to look for room: lanes `first` … `last`, from the top or from the bottom. */
export interface Search {
  readonly span: number;
  readonly first: number;
  readonly last: number;
  readonly fromBottom: boolean;
}

/** Tries to move a flight behind those of a lane; each try leaves at least one of them behind for good. */
const TRIES_MAX = 64;

export class Lanes {
  #gapPx = 0;
  #lanes: Flight[][] = [];

  get count(): number {
    return this.#lanes.length;
  }

  /** Empties the stage and cuts it into `count` lanes, with the least distance between comments of a lane. */
  reset(count: number, gapPx: number): void {
    this.#gapPx = gapPx;
    this.#lanes = Array.from({ length: Math.max(1, count) }, () => []);
  }

  /**
   * Finds the lane where the flight can start soonest and takes it, moving the flight in time accordingly.
   * @param delayMaxMs how much later than its `startMs` it may start
   * @returns the topmost lane taken, or −1 where there is no room
   */
  book(flight: Flight, search: Search, delayMaxMs: number): number {
    const askedMs = flight.startMs;
    let best = -1;
    let bestMs = Number.POSITIVE_INFINITY;
    for (const lane of this.#order(search)) {
      const startMs = this.#soonest(flight, lane, search.span, Math.min(bestMs, askedMs + delayMaxMs));
      shift(flight, askedMs);
      if (startMs >= bestMs) continue;
      best = lane;
      bestMs = startMs;
      if (startMs === askedMs) break;
    }
    if (best < 0) return -1;
    shift(flight, bestMs);
    this.take(flight, best, search.span);
    return best;
  }

  /** Takes the lane where the flight covers fewest others, the first of equals. @returns the topmost lane taken */
  squeeze(flight: Flight, search: Search): number {
    let best = search.first;
    let bestHits = Number.POSITIVE_INFINITY;
    for (const lane of this.#order(search)) {
      let hits = 0;
      for (let taken = lane; taken < lane + search.span && hits < bestHits; taken++) {
        const flights = this.#lanes[taken] ?? [];
        for (let at = flights.length - 1; at >= 0 && hits < bestHits; at--)
          if (collide(flights[at] as Flight, flight, this.#gapPx)) hits++;
      }
      if (hits >= bestHits) continue;
      best = lane;
      bestHits = hits;
      if (hits === 0) break;
    }
    this.take(flight, best, search.span);
    return best;
  }

  /** Whether a flight, as it is, touches nothing in these lanes (but itself). */
  isFree(flight: Flight, lane: number, span: number, self?: Flight): boolean {
    if (lane < 0 || lane + span > this.#lanes.length) return false;
    for (let taken = lane; taken < lane + span; taken++)
      for (const other of this.#lanes[taken] ?? [])
        if (other !== self && collide(other, flight, this.#gapPx)) return false;
    return true;
  }

  take(flight: Flight, lane: number, span: number): void {
    for (let taken = lane; taken < lane + span; taken++) this.#lanes[taken]?.push(flight);
  }

  /** Takes a flight out of its lanes. */
  free(flight: Flight, lane: number, span: number): void {
    for (let taken = lane; taken < lane + span; taken++) {
      const flights = this.#lanes[taken];
      const at = flights?.indexOf(flight) ?? -1;
      if (at >= 0) flights?.splice(at, 1);
    }
  }

  *#order({ span, first, last, fromBottom }: Search): Iterable<number> {
    const end = Math.max(first, Math.min(last, this.#lanes.length - 1) - span + 1);
    for (let step = first; step <= end; step++) yield fromBottom ? end - (step - first) : step;
  }

  /** Start at which the flight is free in these lanes; infinity where that is later than `latestMs`. Moves it there. */
  #soonest(flight: Flight, lane: number, span: number, latestMs: number): number {
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      const obstacle = this.#obstacle(flight, lane, span);
      if (obstacle === undefined) return flight.startMs;
      // Never backwards: a flight behind the obstacle starts later than one that touches it.
      shift(flight, Math.max(flight.startMs + 1, startBehind(obstacle, flight, this.#gapPx)));
      if (flight.startMs > latestMs) break;
    }
    return Number.POSITIVE_INFINITY;
  }

  /** Looks from the latest on: those are the ones that a new flight meets. */
  #obstacle(flight: Flight, lane: number, span: number): Flight | undefined {
    for (let taken = lane; taken < lane + span; taken++) {
      const flights = this.#lanes[taken] ?? [];
      for (let at = flights.length - 1; at >= 0; at--) {
        const other = flights[at] as Flight;
        if (collide(other, flight, this.#gapPx)) return other;
      }
    }
    return undefined;
  }

  /** Forgets flights that have ended. */
  sweep(nowMs: number): void {
    for (const flights of this.#lanes) {
      let kept = 0;
      for (const flight of flights) if (flight.endMs > nowMs) flights[kept++] = flight;
      flights.length = kept;
    }
  }
}

/** Moves a flight in time. */
function shift(flight: Flight, startMs: number): void {
  flight.endMs += startMs - flight.startMs;
  flight.startMs = startMs;
}
