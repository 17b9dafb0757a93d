/**
 * The time that comments move by: that of the media, or in live mode a clock that can be paused. It is read once per
 * frame from the frame's own time stamp, so motion is even at any frame rate.
 */

/** A media position that differs from the expected one by more than this is a jump, less is drift. */
const JUMP_MS = 400;
/** Drift is made good over this time, so that nothing is seen of it. */
const ABSORB_MS = 1500;

export class Clock {
  #positionMs = 0;
  #atMs = 0;
  #rate = 1;
  #correction = 0;
  #isRunning = true;

  /** Milliseconds of clock per millisecond of time; 0 while paused. */
  get speed(): number {
    return this.#isRunning ? this.#rate + this.#correction : 0;
  }

  /** Position at a time of the wall clock. Between jumps it never goes back. */
  now(wallMs: number): number {
    const sinceMs = Math.max(0, wallMs - this.#atMs);
    const correctedMs = Math.min(sinceMs, ABSORB_MS) * this.#correction;
    return this.#positionMs + (this.#isRunning ? sinceMs * this.#rate + correctedMs : 0);
  }

  set(positionMs: number, wallMs: number): void {
    this.#positionMs = positionMs;
    this.#atMs = wallMs;
    this.#correction = 0;
  }

  run(isRunning: boolean, wallMs: number): void {
    this.set(this.now(wallMs), wallMs);
    this.#isRunning = isRunning;
  }

  /**
   * Follows a media element, which was at `positionMs` at the time `wallMs`.
   * @returns whether that was a jump, after which what is on stage belongs to another time
   */
  follow(positionMs: number, rate: number, isRunning: boolean, wallMs: number): boolean {
    const expectedMs = this.now(wallMs);
    const driftMs = positionMs - expectedMs;
    this.#rate = rate;
    this.#isRunning = isRunning;
    const isJump = Math.abs(driftMs) > JUMP_MS * Math.max(1, rate);
    this.set(isJump ? positionMs : expectedMs, wallMs);
    // Bounded, so that the clock never stands still or goes back to make good.
    if (!isJump) this.#correction = Math.max(-rate / 2, driftMs / ABSORB_MS);
    return isJump;
  }
}
