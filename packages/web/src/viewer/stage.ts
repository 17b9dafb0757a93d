/**
 * The flying comments: a canvas over the scene. Each comment is drawn once into a small bitmap and then only moved.
 * The frame loop runs while there is something to move and stops when the stage is empty.
 */
import { type Flight, flightX, Lanes, type Search } from "./lanes.ts";

/** A comment as the stage needs it. */
export interface StageComment {
  readonly offset: number;
  readonly uid: string;
  readonly content: string;
  readonly mode: "scroll" | "reverse" | "top" | "bottom";
  readonly color: string;
  /** 12–64; 25 is the normal size. */
  readonly size: number;
  /** Own comments are marked, and wait for room rather than being left out. */
  readonly own: boolean;
}

/** How comments are shown; fractions, 1 = normal. */
export interface StageOptions {
  readonly opacity: number;
  readonly speed: number;
  readonly scale: number;
  /** Part of the stage's height, from the top, that scrolling comments may use. */
  readonly area: number;
  readonly visible: boolean;
}

interface Item {
  readonly comment: StageComment;
  readonly sprite: HTMLCanvasElement;
  readonly widthPx: number;
  readonly heightPx: number;
  readonly span: number;
  flight: Flight;
  lane: number;
}

interface Waiting {
  readonly item: Item;
  readonly untilMs: number;
}

const GAP_PX = 28;
const STILL_MS = 4500;
const FADE_MS = 220;
/** Comments that found no room wait this long for it, own ones longer; then they are only in the list. */
const WAIT_MS = 1200;
const WAIT_OWN_MS = 6000;
/** Bound on waiting comments: at 60 a second of a full stage, older than that is stale anyway. */
const WAITING_MAX = 80;
const FONT =
  '600 {px}px "PingFang SC", "Hiragino Sans", "Microsoft YaHei", "Noto Sans CJK SC", "Noto Sans SC", "Segoe UI", sans-serif';

export class Stage {
  readonly #canvas: HTMLCanvasElement;
  readonly #context: CanvasRenderingContext2D;
  readonly #lanes = new Lanes(GAP_PX);
  readonly #stillness = window.matchMedia("(prefers-reduced-motion: reduce)");
  #items: Item[] = [];
  #waiting: Waiting[] = [];
  #options: StageOptions = { opacity: 1, speed: 1, scale: 1, area: 1, visible: true };
  #width = 0;
  #height = 0;
  #ratio = 1;
  #fontPx = 24;
  #lanePx = 34;
  #frame = 0;

  constructor(canvas: HTMLCanvasElement) {
    const context = canvas.getContext("2d");
    if (context === null) throw new Error("this browser has no 2D canvas");
    this.#canvas = canvas;
    this.#context = context;
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") this.#wake();
    });
    this.resize();
  }

  /** Comments on stage now. */
  get count(): number {
    return this.#items.length;
  }

  setOptions(options: StageOptions): void {
    const relaid = options.scale !== this.#options.scale || options.visible !== this.#options.visible;
    this.#options = options;
    this.#canvas.style.opacity = String(options.opacity);
    if (relaid) this.clear();
    this.#measure();
  }

  /** Puts a comment on stage. In a hidden tab, or while comments are switched off, it is left out. */
  emit(comment: StageComment): void {
    if (!this.#options.visible || document.visibilityState === "hidden") return;
    const now = performance.now();
    const item = this.#prepare(comment, now);
    if (!this.#enter(item, now)) {
      if (this.#waiting.length >= WAITING_MAX) this.#waiting.shift();
      this.#waiting.push({ item, untilMs: now + (comment.own ? WAIT_OWN_MS : WAIT_MS) });
    }
    this.#wake();
  }

  /** Takes comments off the stage. */
  remove(matches: (comment: StageComment) => boolean): void {
    this.#waiting = this.#waiting.filter(({ item }) => !matches(item.comment));
    this.#items = this.#items.filter((item) => {
      if (!matches(item.comment)) return true;
      this.#lanes.remove(item.flight);
      return false;
    });
  }

  clear(): void {
    this.#items = [];
    this.#waiting = [];
    this.#lanes.reset(this.#lanes.count);
    this.#context.clearRect(0, 0, this.#canvas.width, this.#canvas.height);
  }

  /** Fits the stage to its place on the page. Comments keep how far they have come. */
  resize(): void {
    const { clientWidth, clientHeight } = this.#canvas;
    this.#ratio = Math.min(window.devicePixelRatio || 1, 2);
    this.#width = clientWidth;
    this.#height = clientHeight;
    this.#canvas.width = Math.max(1, Math.round(clientWidth * this.#ratio));
    this.#canvas.height = Math.max(1, Math.round(clientHeight * this.#ratio));
    this.#measure();
    this.#lanes.reset(Math.floor((this.#height - 12) / this.#lanePx));
    this.#items = this.#items.filter((item) => {
      item.flight = this.#flight(item.comment, item.widthPx, item.flight.startMs, item.flight.endMs);
      return this.#settle(item);
    });
    this.#wake();
  }

  #measure(): void {
    this.#fontPx = Math.min(30, Math.max(17, this.#height / 23)) * this.#options.scale;
    const lanePx = Math.round(this.#fontPx * 1.42);
    if (lanePx === this.#lanePx) return;
    this.#lanePx = lanePx;
    this.#lanes.reset(Math.floor((this.#height - 12) / lanePx));
  }

  #prepare(comment: StageComment, now: number): Item {
    const sprite = this.#draw(comment);
    const widthPx = sprite.width / this.#ratio;
    const heightPx = sprite.height / this.#ratio;
    const span = Math.max(1, Math.ceil((heightPx - this.#lanePx * 0.12) / this.#lanePx));
    const flight = this.#flight(comment, widthPx, now, now);
    return { comment, sprite, widthPx, heightPx, span, flight, lane: 0 };
  }

  #enter(item: Item, now: number): boolean {
    const { mode } = item.comment;
    const still = mode === "top" || mode === "bottom" || this.#stillness.matches;
    const stayMs = still ? STILL_MS : (4500 + this.#width * 3.7) / this.#options.speed;
    item.flight = this.#flight(item.comment, item.widthPx, now, now + stayMs);
    if (!this.#settle(item)) return false;
    this.#items.push(item);
    return true;
  }

  #settle(item: Item): boolean {
    const { mode } = item.comment;
    const scrolls = mode === "scroll" || mode === "reverse";
    const search: Search = mode === "reverse" || mode === "bottom" ? "from-bottom" : "from-top";
    // A single lane is always allowed, however small the stage.
    const lanes = Math.max(item.span, Math.floor(this.#lanes.count * (scrolls ? this.#options.area : 1)));
    item.lane = this.#lanes.place(item.flight, item.span, search, 0, lanes - 1);
    return item.lane >= 0;
  }

  #flight(comment: StageComment, widthPx: number, startMs: number, endMs: number): Flight {
    const middle = (this.#width - widthPx) / 2;
    if (comment.mode === "top" || comment.mode === "bottom") {
      return { startMs, endMs, startX: middle, velocity: 0, widthPx };
    }
    // With reduced motion nothing flies: comments stand in the lanes for a while, like captions.
    if (this.#stillness.matches)
      return { startMs, endMs, startX: Math.max(12, middle), velocity: 0, widthPx };
    const velocity = (this.#width + widthPx) / Math.max(1, endMs - startMs);
    return comment.mode === "reverse"
      ? { startMs, endMs, startX: -widthPx, velocity, widthPx }
      : { startMs, endMs, startX: this.#width, velocity: -velocity, widthPx };
  }

  #draw(comment: StageComment): HTMLCanvasElement {
    const px = (this.#fontPx * comment.size) / 25;
    const font = FONT.replace("{px}", px.toFixed(1));
    this.#context.font = font;
    const padX = comment.own ? px * 0.45 : 4;
    const width = Math.ceil(this.#context.measureText(comment.content).width + padX * 2);
    const height = Math.ceil(px * 1.42);
    const sprite = document.createElement("canvas");
    // Very long comments at very large sizes stay below what canvases allow.
    sprite.width = Math.min(16_000, Math.max(1, Math.round(width * this.#ratio)));
    sprite.height = Math.max(1, Math.round(height * this.#ratio));
    const context = sprite.getContext("2d");
    if (context === null) return sprite;
    context.scale(this.#ratio, this.#ratio);
    if (comment.own) {
      context.beginPath();
      context.roundRect(1, 1, width - 2, height - 2, Math.min(10, height * 0.26));
      context.fillStyle = "rgba(8, 12, 24, 0.38)";
      context.fill();
      context.strokeStyle = "rgba(255, 176, 124, 0.95)";
      context.lineWidth = 1.5;
      context.stroke();
    }
    context.font = font;
    context.textBaseline = "middle";
    context.lineJoin = "round";
    context.lineWidth = Math.max(2, px * 0.13);
    context.strokeStyle = "rgba(6, 9, 18, 0.72)";
    context.strokeText(comment.content, padX, height * 0.52);
    context.fillStyle = comment.color;
    context.fillText(comment.content, padX, height * 0.52);
    return sprite;
  }

  #wake(): void {
    if (this.#frame === 0) this.#frame = requestAnimationFrame(() => this.#paint());
  }

  #paint(): void {
    this.#frame = 0;
    const now = performance.now();
    this.#retry(now);
    this.#items = this.#items.filter((item) => item.flight.endMs > now);
    const context = this.#context;
    context.setTransform(this.#ratio, 0, 0, this.#ratio, 0, 0);
    context.clearRect(0, 0, this.#width, this.#height);
    for (const item of this.#items) {
      const { flight } = item;
      const fades = flight.velocity === 0;
      if (fades) {
        context.globalAlpha = Math.min(1, (now - flight.startMs) / FADE_MS, (flight.endMs - now) / FADE_MS);
      }
      const y = 8 + item.lane * this.#lanePx + (item.span * this.#lanePx - item.heightPx) / 2;
      context.drawImage(item.sprite, flightX(flight, now), y, item.widthPx, item.heightPx);
      if (fades) context.globalAlpha = 1;
    }
    if (this.#items.length > 0 || this.#waiting.length > 0) this.#wake();
  }

  #retry(now: number): void {
    if (this.#waiting.length === 0) return;
    const due = this.#waiting.sort((a, b) => Number(b.item.comment.own) - Number(a.item.comment.own));
    this.#waiting = due.filter(({ item, untilMs }) => untilMs > now && !this.#enter(item, now));
  }
}
