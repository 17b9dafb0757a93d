/**
 * The comments on stage: who may enter, in which lane, until when. It knows no canvas and no clock; sizes come from a
 * gauge, time is a parameter.
 */
import { compileFilter, type IsBlocked } from "./filter.ts";
import type { Flight } from "./flight.ts";
import { Lanes, type Search } from "./lanes.ts";
import { ITEMS_MAX, ITEMS_RESERVED, MERGED_MAX } from "./limits.ts";
import { overflowOf } from "./settings.ts";
import type { Comment, DropReason, Settings } from "./types.ts";

/** A comment on stage or booked to enter. */
export interface Item {
  readonly comment: Comment;
  flight: Flight;
  /** Topmost of its lanes, and how many it takes. */
  lane: number;
  span: number;
  heightPx: number;
  /** Comments that it stands for, this one first; one of equal texts each. */
  readonly members: Comment[];
  /** What the painter keeps of it. */
  sprite?: unknown;
}

/** What the painter tells the stage. */
export interface Gauge {
  /** Size of a comment that stands for `count`, CSS px. */
  measure(comment: Comment, count: number): { readonly widthPx: number; readonly heightPx: number };
  /** Whether there is memory for more. */
  hasRoom(): boolean;
  /** The item has left, or looks different from now on. */
  release(item: Item): void;
}

/** Time to cross a stage of 1280 px; wider ones take longer, though not in proportion. */
const CROSSING_MS = 4300;
const CROSSING_MS_PER_PX = 3.7;
/** Free above the first and below the last lane. */
const MARGIN_PX = 6;
/** Height of a lane, in heights of normal text. */
const LANE_HEIGHT = 1.42;
/** Flights that ended are taken out of the lanes this often. */
const SWEEP_EVERY_MS = 250;

/** Settings that move what is on stage. */
const LAYOUT = [
  "speed",
  "fontPx",
  "fontScale",
  "fontFamily",
  "fontWeight",
  "stroke",
  "area",
  "gapPx",
  "stillMs",
  "reducedMotion",
] as const satisfies readonly (keyof Settings)[];

const isStill = ({ mode }: Comment): boolean => mode === "top" || mode === "bottom";
/** Own, paid and system comments are shown whatever the bounds. */
const isDue = (comment: Comment): boolean =>
  comment.own === true || comment.class === "paid" || comment.class === "system";

export class Stage {
  /** In the order of their entry; a comment booked for later stands here too. */
  items: Item[] = [];
  shown = 0;
  merged = 0;
  readonly dropped: Record<DropReason, number> = {
    full: 0,
    density: 0,
    filtered: 0,
    hidden: 0,
    paused: 0,
    late: 0,
    resized: 0,
    overrun: 0,
    bounds: 0,
  };
  readonly #gauge: Gauge;
  readonly #lanes = new Lanes();
  readonly #byText = new Map<string, Item>();
  #settings: Settings;
  #isBlocked: IsBlocked;
  #widthPx = 0;
  #heightPx = 0;
  #allowance = 1;
  #allowanceAtMs = 0;
  #sweptAtMs = 0;

  constructor(settings: Settings, gauge: Gauge) {
    this.#settings = settings;
    this.#isBlocked = compileFilter(settings.filter);
    this.#gauge = gauge;
    this.#lanes.reset(1, settings.gapPx);
  }

  get laneCount(): number {
    return this.#lanes.count;
  }

  /** Height of a lane, CSS px. */
  get lanePx(): number {
    return Math.round(this.#settings.fontPx * this.#settings.fontScale * LANE_HEIGHT);
  }

  /** Longest time that a comment can be on stage, ms. */
  get longestMs(): number {
    return Math.max(this.#settings.stillMs, this.#crossingMs());
  }

  /** How long a comment is on stage, ms. */
  stayMs(comment: Comment): number {
    return this.#isStanding(comment) ? this.#settings.stillMs : this.#crossingMs();
  }

  /** Top edge of an item, CSS px. */
  top(item: Item): number {
    return MARGIN_PX + item.lane * this.lanePx + (item.span * this.lanePx - item.heightPx) / 2;
  }

  /**
   * Lets a comment enter at `atMs`, or as soon as there is room.
   * @returns whether it will be seen; if not, it has been counted with its reason
   */
  offer(comment: Comment, atMs: number): boolean {
    const reason = this.#refusal(comment, atMs);
    if (reason !== undefined) return this.drop(reason);
    if (this.#merge(comment, atMs)) return true;
    const item: Item = {
      comment,
      flight: { startMs: 0, endMs: 0, startX: 0, velocity: 0, widthPx: 0 },
      lane: 0,
      span: 1,
      heightPx: 0,
      members: [comment],
    };
    this.#fit(item, atMs);
    if (!this.#enter(item, isDue(comment))) return this.drop("full");
    this.items.push(item);
    this.shown++;
    if (this.#settings.mergeWindowMs > 0 && !isDue(comment)) this.#byText.set(textKey(comment), item);
    return true;
  }

  /** Counts comments that are not shown. Always false. */
  drop(reason: DropReason, count = 1): false {
    this.dropped[reason] += count;
    return false;
  }

  /** Takes what has left the stage out of the books. */
  advance(nowMs: number): void {
    let kept = 0;
    const { items } = this;
    for (const item of items) {
      if (item.flight.endMs > nowMs) items[kept++] = item;
      else this.#forget(item);
    }
    items.length = kept;
    if (Math.abs(nowMs - this.#sweptAtMs) < SWEEP_EVERY_MS) return;
    this.#sweptAtMs = nowMs;
    this.#lanes.sweep(nowMs);
  }

  /** Takes comments off the stage, also single ones of those that an item stands for. */
  remove(matches: (comment: Comment) => boolean): void {
    this.items = this.items.filter((item) => {
      const { members } = item;
      if (members.length === 1 ? !matches(members[0] as Comment) : !members.some(matches)) return true;
      const left = members.filter((comment) => !matches(comment));
      members.splice(0, members.length, ...left);
      this.#gauge.release(item);
      if (members.length > 0) return true;
      this.#lanes.free(item.flight, item.lane, item.span);
      this.#forget(item);
      return false;
    });
  }

  clear(): void {
    for (const item of this.items) this.#forget(item);
    this.items = [];
    this.#lanes.reset(this.#laneCount(), this.#settings.gapPx);
  }

  /** Takes the stage's size, CSS px. Comments keep how far they have come. */
  resize(widthPx: number, heightPx: number, nowMs: number): void {
    this.#widthPx = widthPx;
    this.#heightPx = heightPx;
    this.#relay(nowMs);
  }

  setSettings(settings: Settings, nowMs: number): void {
    const before = this.#settings;
    this.#settings = settings;
    if (settings.filter !== before.filter) {
      this.#isBlocked = compileFilter(settings.filter);
      this.remove(this.#isBlocked);
    }
    if (LAYOUT.some((name) => settings[name] !== before[name])) this.#relay(nowMs);
  }

  #refusal(comment: Comment, atMs: number): DropReason | undefined {
    const { maxOnScreen, maxPerSecond } = this.#settings;
    const due = isDue(comment);
    if (this.items.length >= ITEMS_MAX + (due ? ITEMS_RESERVED : 0)) return "full";
    if (due) return this.#isBlocked(comment) ? "filtered" : undefined;
    if (this.#isBlocked(comment)) return "filtered";
    if (!this.#gauge.hasRoom()) return "full";
    if (maxOnScreen > 0 && this.items.length >= maxOnScreen) return "density";
    if (maxPerSecond === 0) return undefined;
    // A bucket that holds a second's worth; a jump of the clock fills it.
    const gained = Math.abs(atMs - this.#allowanceAtMs) * 0.001 * maxPerSecond;
    this.#allowance = Math.min(Math.max(1, maxPerSecond), this.#allowance + gained);
    this.#allowanceAtMs = atMs;
    if (this.#allowance < 1) return "density";
    this.#allowance--;
    return undefined;
  }

  /** Counts a comment on an equal one that entered lately. */
  #merge(comment: Comment, atMs: number): boolean {
    const { mergeWindowMs } = this.#settings;
    if (mergeWindowMs === 0 || isDue(comment)) return false;
    const item = this.#byText.get(textKey(comment));
    if (item === undefined || item.members.length >= MERGED_MAX) return false;
    const { flight } = item;
    const sinceMs = atMs - flight.startMs;
    if (sinceMs > mergeWindowMs || sinceMs < -this.#settings.delayMaxMs || flight.endMs <= atMs) return false;
    item.members.push(comment);
    this.merged++;
    this.shown++;
    this.#gauge.release(item);
    // With its number it is longer: it grows where its neighbours leave room, else the text is set narrower.
    const { widthPx } = this.#gauge.measure(item.comment, item.members.length);
    const longer = flight.velocity < 0 ? (flight.widthPx - widthPx) / flight.velocity : 0;
    const grown = { ...flight, widthPx, endMs: flight.endMs + longer };
    if (this.#lanes.isFree(grown, item.lane, item.span, flight)) Object.assign(flight, grown);
    return true;
  }

  #isStanding(comment: Comment): boolean {
    return isStill(comment) || this.#settings.reducedMotion === "on";
  }

  #crossingMs(): number {
    return (CROSSING_MS + this.#widthPx * CROSSING_MS_PER_PX) / this.#settings.speed;
  }

  #laneCount(): number {
    return Math.max(1, Math.floor((this.#heightPx - 2 * MARGIN_PX) / this.lanePx));
  }

  /** Gives an item its size and its way, beginning at `startMs`. */
  #fit(item: Item, startMs: number): void {
    const { comment } = item;
    const { widthPx, heightPx } = this.#gauge.measure(comment, item.members.length);
    const width = this.#widthPx;
    item.heightPx = heightPx;
    // Glyphs do not fill the height of their line: a little more than a lane still fits into it.
    item.span = Math.min(this.#laneCount(), Math.max(1, Math.ceil(heightPx / this.lanePx - 0.12)));
    const still = this.#isStanding(comment);
    const stayMs = this.stayMs(comment);
    const velocity = still ? 0 : (width + widthPx) / stayMs;
    const back = comment.mode === "reverse";
    item.flight = {
      startMs,
      endMs: startMs + stayMs,
      startX: still ? (width - widthPx) / 2 : back ? -widthPx : width,
      velocity: back ? velocity : -velocity || 0,
      widthPx,
    };
  }

  #search({ comment, span }: Item): Search {
    const count = this.#lanes.count;
    const used = isStill(comment) ? count : Math.max(span, Math.round(count * this.#settings.area));
    return { span, first: 0, last: Math.min(count, used) - 1, fromBottom: comment.mode === "bottom" };
  }

  #enter(item: Item, due: boolean): boolean {
    const { comment, flight } = item;
    const overflow = overflowOf(this.#settings, comment.class ?? "normal");
    const search = this.#search(item);
    const patienceMs = due ? Number.MAX_VALUE : overflow === "delay" ? this.#settings.delayMaxMs : 0;
    item.lane = this.#lanes.book(flight, search, overflow === "overlap" ? 0 : patienceMs);
    // A crowd that overlaps already can leave no way through; then what must be seen overlaps too.
    if (item.lane < 0 && (due || overflow === "overlap")) item.lane = this.#lanes.squeeze(flight, search);
    return item.lane >= 0;
  }

  /** Lays everything out anew, each comment as far on its way as it was. */
  #relay(nowMs: number): void {
    this.#lanes.reset(this.#laneCount(), this.#settings.gapPx);
    const inOrder = this.items.sort((a, b) => a.flight.startMs - b.flight.startMs);
    this.items = inOrder.filter((item) => {
      const { startMs, endMs } = item.flight;
      const { lane } = item;
      const progress = Math.max(0, (nowMs - startMs) / (endMs - startMs));
      this.#gauge.release(item);
      this.#fit(item, Math.max(startMs, nowMs));
      const { flight } = item;
      if (progress > 0) {
        const stayMs = flight.endMs - flight.startMs;
        flight.startMs = nowMs - progress * stayMs;
        flight.endMs = flight.startMs + stayMs;
      }
      return this.#settle(item, lane, nowMs);
    });
  }

  /** Puts a comment back into its lane, or else into another. One that must be seen begins anew where none is free. */
  #settle(item: Item, lane: number, nowMs: number): boolean {
    const { comment, flight, span } = item;
    const search = this.#search(item);
    if (lane + span - 1 <= search.last && this.#lanes.isFree(flight, lane, span)) {
      item.lane = lane;
      this.#lanes.take(flight, lane, span);
      return true;
    }
    const isWaiting = flight.startMs > nowMs;
    item.lane = this.#lanes.book(flight, search, isWaiting ? this.#settings.delayMaxMs : 0);
    if (item.lane >= 0) return true;
    const due = isDue(comment);
    if (due) this.#fit(item, nowMs);
    if (
      (due || overflowOf(this.#settings, comment.class ?? "normal") === "overlap") &&
      this.#enter(item, due)
    )
      return true;
    this.drop("resized", item.members.length);
    this.#forget(item);
    return false;
  }

  #forget(item: Item): void {
    this.#gauge.release(item);
    const key = textKey(item.comment);
    if (this.#byText.get(key) === item) this.#byText.delete(key);
  }
}

function textKey({ content, mode = "scroll" }: Comment): string {
  return mode + content;
}
