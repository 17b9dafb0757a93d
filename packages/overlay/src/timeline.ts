/** The comments of a recording by their time, and how far they have been shown. */
import { TIMELINE_MAX } from "./limits.ts";
import type { Comment } from "./types.ts";

const timeOf = (comment: Comment): number => comment.timeMs ?? 0;

export class Timeline {
  #comments: Comment[] = [];
  /** Index of the first comment not taken yet. */
  #next = 0;

  get size(): number {
    return this.#comments.length;
  }

  /** Time of the next comment; infinity at the end. */
  get nextMs(): number {
    const comment = this.#comments[this.#next];
    return comment === undefined ? Number.POSITIVE_INFINITY : timeOf(comment);
  }

  /** Replaces all comments. @returns how many did not fit */
  load(comments: readonly Comment[]): number {
    const kept = comments.slice(0, TIMELINE_MAX);
    let isSorted = true;
    for (let at = 1; at < kept.length && isSorted; at++)
      isSorted = timeOf(kept[at - 1] as Comment) <= timeOf(kept[at] as Comment);
    if (!isSorted) kept.sort((a, b) => timeOf(a) - timeOf(b));
    this.#comments = kept;
    this.#next = 0;
    return comments.length - kept.length;
  }

  /** Adds one comment behind those of the same time. @returns whether there was room */
  insert(comment: Comment): boolean {
    if (this.#comments.length >= TIMELINE_MAX) return false;
    const at = this.#after(timeOf(comment));
    this.#comments.splice(at, 0, comment);
    if (at < this.#next) this.#next++;
    return true;
  }

  /** Goes to a time: the next comment is the first one after it. */
  seek(timeMs: number): void {
    this.#next = this.#after(timeMs);
  }

  /** Hands over, in order, what has become due by `untilMs` and has not been handed over. */
  take(untilMs: number): readonly Comment[] {
    const from = this.#next;
    // Usually none or one is due: looked for step by step.
    while (this.#next < this.#comments.length && this.nextMs <= untilMs) this.#next++;
    return this.#next === from ? [] : this.#comments.slice(from, this.#next);
  }

  /** Comments in `fromMs < time ≤ untilMs`, the latest `most`. */
  between(fromMs: number, untilMs: number, most: number): readonly Comment[] {
    const end = this.#after(untilMs);
    return this.#comments.slice(Math.max(this.#after(fromMs), end - most), end);
  }

  remove(matches: (comment: Comment) => boolean): void {
    let kept = 0;
    let next = this.#next;
    for (const [at, comment] of this.#comments.entries()) {
      if (!matches(comment)) this.#comments[kept++] = comment;
      else if (at < this.#next) next--;
    }
    this.#comments.length = kept;
    this.#next = next;
  }

  /** Index of the first comment later than `timeMs`. */
  #after(timeMs: number): number {
    let low = 0;
    let high = this.#comments.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (timeOf(this.#comments[middle] as Comment) <= timeMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
