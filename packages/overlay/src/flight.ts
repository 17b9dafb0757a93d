/** The motion of comments. It is linear, so whether and when two comments meet is decided exactly, not by steps. */

/** A comment's way across the stage: its left edge is at `startX + velocity · (t − startMs)` from start to end. */
export interface Flight {
  startMs: number;
  endMs: number;
  readonly startX: number;
  /** Pixels per millisecond; negative flies left, zero stands. */
  readonly velocity: number;
  widthPx: number;
}

/** Left edge of a flight at a time, in pixels. */
export function flightX(flight: Flight, nowMs: number): number {
  return flight.startX + flight.velocity * (nowMs - flight.startMs);
}

/**
 * Whether two flights of one lane come closer than `gapPx` while both are on stage. Their distance is a linear
 * function of time, so they stay apart exactly if they are apart, on the same side, at both ends of that stretch.
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

/** Added to computed times, so that rounding never leaves two comments a hair too close. */
const ROUNDING_MS = 0.01;

/**
 * Earliest start (ms) at which `flight`, moved in time as it is, follows `other` without coming closer than `gapPx`.
 * It is at the latest the end of `other`.
 */
export function startBehind(other: Flight, flight: Flight, gapPx: number): number {
  const { velocity, widthPx } = flight;
  // Seen from the side where the flight enters: its front edge moves away from there, `other` has an inner and an
  // outer edge. A flight to the right is mirrored; one that stands waits until `other` has passed its place.
  const mirror = velocity > 0 || (velocity === 0 && other.velocity > 0);
  const edge = (left: number, width: number) => (mirror ? -(left + width) : left);
  const entry = edge(flight.startX, widthPx) - gapPx - other.widthPx;
  const speed = Math.abs(velocity);
  const otherVelocity = mirror ? -other.velocity : other.velocity;
  const otherStart = edge(other.startX, other.widthPx);
  let start: number;
  if (otherVelocity < 0) start = other.startMs + (otherStart - entry) / -otherVelocity;
  else if (otherVelocity === 0 && velocity !== 0 && otherStart <= entry) start = other.startMs;
  else return other.endMs;
  if (velocity !== 0) {
    const otherEnd = otherStart + otherVelocity * (other.endMs - other.startMs);
    start = Math.max(start, other.endMs - (entry - otherEnd) / speed);
  }
  return Math.min(other.endMs, start + ROUNDING_MS);
}
