/** Places comments in rows of a picture so that none covers another of its kind. */
import type { Mode } from "@danmakud/wire";

export interface LaneOptions {
  /** Of the picture, pixels. */
  readonly width: number;
  readonly height: number;
  /** How long a comment is to be seen, milliseconds. */
  readonly durationMs: number;
  /** Share of the height that comments may use, 0–1. */
  readonly area: number;
  /** Where no row is free: leave the comment out, or let it cover others. */
  readonly overflow: "drop" | "overlap";
}

/** What stands in a row last. */
interface Tenant {
  readonly startMs: number;
  readonly width: number;
  readonly mode: Mode;
}

/** Rows are this part of the height high; a text takes as many as it needs. */
const ROWS = 90;
/** Free space between two texts in a row, as a share of the width of the picture. */
const GAP = 0.01;

/**
 * Rows of a picture. Moving comments (scroll, reverse) share one set, those that stand (top, bottom) another, drawn above
 * it, as in every player.
 */
export class Lanes {
  readonly #options: LaneOptions;
  readonly #rowHeight: number;
  readonly #moving: (Tenant | undefined)[];
  readonly #standing: (Tenant | undefined)[];

  constructor(options: LaneOptions) {
    this.#options = options;
    this.#rowHeight = options.height / ROWS;
    const rows = Math.max(1, Math.floor(ROWS * options.area));
    this.#moving = new Array<Tenant | undefined>(rows).fill(undefined);
    this.#standing = new Array<Tenant | undefined>(ROWS).fill(undefined);
  }

  /**
   * The distance of a comment from its edge of the picture (the lower one for `bottom`), in pixels; undefined where it is to
   * be left out. Comments come in order of time.
   */
  place(atMs: number, width: number, height: number, mode: Mode): number | undefined {
    const isMoving = mode === "scroll" || mode === "reverse";
    const rows = isMoving ? this.#moving : this.#standing;
    const next: Tenant = { startMs: atMs, width: width + GAP * this.#options.width, mode };
    const count = Math.min(rows.length, Math.max(1, Math.ceil(height / this.#rowHeight)));
    // Those at the bottom count their rows from below, in the same set.
    const rowAt = (index: number): number => (mode === "bottom" ? rows.length - 1 - index : index);
    const first = this.#firstFree(rows, rowAt, count, next);
    if (first === undefined && this.#options.overflow === "drop") return undefined;
    const from = first ?? this.#earliest(rows, rowAt, count);
    for (let index = from; index < from + count; index++) rows[rowAt(index)] = next;
    return from * this.#rowHeight;
  }

  #firstFree(
    rows: readonly (Tenant | undefined)[],
    rowAt: (index: number) => number,
    count: number,
    next: Tenant,
  ): number | undefined {
    let free = 0;
    for (let index = 0; index < rows.length; index++) {
      const tenant = rows[rowAt(index)];
      free = tenant === undefined || this.#isClear(tenant, next) ? free + 1 : 0;
      if (free === count) return index - count + 1;
    }
    return undefined;
  }

  /** Where the last one began longest ago. */
  #earliest(rows: readonly (Tenant | undefined)[], rowAt: (index: number) => number, count: number): number {
    let best = 0;
    let bestMs = Number.POSITIVE_INFINITY;
    for (let index = 0; index + count <= rows.length; index++) {
      const startMs = rows[rowAt(index)]?.startMs ?? 0;
      if (startMs < bestMs) {
        best = index;
        bestMs = startMs;
      }
    }
    return best;
  }

  /**
   * Whether the next one in a row never touches the one before. Both cross the picture and their own width in the same time,
   * so a longer one is faster: the first must have come in wholly, and must be out before the second reaches its edge.
   */
  #isClear(before: Tenant, next: Tenant): boolean {
    const { width, durationMs } = this.#options;
    const endMs = before.startMs + durationMs;
    const sameWay = before.mode === next.mode && (next.mode === "scroll" || next.mode === "reverse");
    if (!sameWay) return next.startMs >= endMs;
    const isIn = before.startMs + (durationMs * before.width) / (width + before.width);
    const reaches = next.startMs + (durationMs * width) / (width + next.width);
    return next.startMs >= isIn && reaches >= endMs;
  }
}

/** Width of a text in pixels, rather too much than too little: wide characters a square each, others two thirds. */
export function textWidth(text: string, fontSize: number): number {
  let ems = 0;
  for (const sign of text) ems += (sign.codePointAt(0) as number) < 0x1100 ? 0.62 : 1;
  return ems * fontSize;
}
