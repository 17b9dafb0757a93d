/** Draws the stage on a canvas, in a worker or on the page: one bitmap per comment, on whole device pixels. */
import { flightX } from "./flight.ts";
import { type Look, lookOf } from "./look.ts";
import { FADE_MS, type Painter } from "./painter.ts";
import { type Context2d, type Sprite, Sprites } from "./sprites.ts";
import type { Item, Stage } from "./stage.ts";
import type { Comment, Mask, OverlayStats, Settings } from "./types.ts";

export class CanvasPainter implements Painter {
  readonly engine: OverlayStats["engine"];
  readonly #canvas: HTMLCanvasElement | OffscreenCanvas;
  readonly #context: Context2d;
  readonly #sprites = new Sprites();
  #settings: Settings;
  #ratio = 1;
  #mask: Mask | null = null;
  /** The items of the frame under way by their topmost lane, each lane's in the order of entry. */
  readonly #lanes: Item[][] = [];

  /** @throws Error where the canvas has no 2D context */
  constructor(
    engine: OverlayStats["engine"],
    canvas: HTMLCanvasElement | OffscreenCanvas,
    settings: Settings,
  ) {
    const context = canvas.getContext("2d") as Context2d | null;
    if (context === null) throw new Error("overlay: no 2D canvas");
    this.engine = engine;
    this.#canvas = canvas;
    this.#context = context;
    this.#settings = settings;
  }

  get spriteCount(): number {
    return this.#sprites.count;
  }

  get spritePixels(): number {
    return this.#sprites.pixels;
  }

  hasRoom(): boolean {
    return !this.#sprites.isFull;
  }

  measure(comment: Comment, count: number): { widthPx: number; heightPx: number } {
    const look = lookOf(comment, count, this.#settings);
    return { widthPx: this.#sprites.width(this.#context, look), heightPx: look.heightPx };
  }

  release(item: Item): void {
    if (item.sprite !== undefined) this.#sprites.release(item.sprite as Sprite);
    item.sprite = undefined;
  }

  setSettings(settings: Settings): void {
    this.#settings = settings;
  }

  resize(widthPx: number, heightPx: number, ratio: number): void {
    this.#ratio = ratio;
    this.#canvas.width = Math.max(1, Math.round(widthPx * ratio));
    this.#canvas.height = Math.max(1, Math.round(heightPx * ratio));
  }

  setMask(mask: Mask | null): void {
    if (this.#mask !== null && "close" in this.#mask) this.#mask.close();
    this.#mask = mask;
  }

  /** @hot guarded by `npm run bench -- overlay` */
  draw(stage: Stage, nowMs: number): void {
    const context = this.#context;
    const { items } = stage;
    const lanes = this.#lanes;
    this.wipe();
    for (let at = 0; at < items.length; at++) {
      const item = items[at] as Item;
      if (item.flight.startMs > nowMs) continue;
      while (lanes.length <= item.lane) lanes.push([]);
      (lanes[item.lane] as Item[]).push(item);
    }
    // Lane by lane: the lines of the canvas that a lane covers stay in the processor's cache.
    for (let lane = 0; lane < lanes.length; lane++) {
      const inLane = lanes[lane] as Item[];
      for (let at = 0; at < inLane.length; at++) this.#drawItem(stage, inLane[at] as Item, nowMs);
      inLane.length = 0;
    }
    if (this.#mask !== null) cutOut(context, this.#mask, this.#canvas.width, this.#canvas.height);
  }

  #drawItem(stage: Stage, item: Item, nowMs: number): void {
    const context = this.#context;
    const ratio = this.#ratio;
    const { flight } = item;
    item.sprite ??= this.#sprite(item);
    const { image, left, top } = item.sprite as Sprite;
    // Whole pixels: an unfiltered copy, several times cheaper than a shifted one, and sharp.
    const x = Math.round(flightX(flight, nowMs) * ratio) + left;
    const y = Math.round(stage.top(item) * ratio) + top;
    if (flight.velocity !== 0) {
      context.drawImage(image, x, y);
      return;
    }
    context.globalAlpha = Math.max(
      0,
      Math.min(1, (nowMs - flight.startMs) / FADE_MS, (flight.endMs - nowMs) / FADE_MS),
    );
    context.drawImage(image, x, y);
    context.globalAlpha = 1;
  }

  wipe(): void {
    this.#context.clearRect(0, 0, this.#canvas.width, this.#canvas.height);
  }

  destroy(): void {
    this.setMask(null);
    this.#sprites.clear();
  }

  #sprite({ comment, members, flight }: Item): Sprite {
    const look: Look = lookOf(comment, members.length, this.#settings);
    return this.#sprites.take(look, flight.widthPx, this.#ratio);
  }
}

/** Clears what a mask leaves free. */
export function cutOut(context: Context2d, mask: Mask, width: number, height: number): void {
  context.globalCompositeOperation = "destination-out";
  if ("close" in mask) {
    context.drawImage(mask, 0, 0, width, height);
  } else {
    context.fillStyle = "#000";
    for (const region of mask) {
      const [x, y, w, h] = [
        region.x * width,
        region.y * height,
        region.width * width,
        region.height * height,
      ];
      context.beginPath();
      if (region.round) context.ellipse(x + w / 2, y + h / 2, w / 2, h / 2, 0, 0, Math.PI * 2);
      else context.rect(x, y, w, h);
      context.fill();
    }
  }
  context.globalCompositeOperation = "source-over";
}
