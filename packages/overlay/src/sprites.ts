/** Bitmaps of comments: each look is drawn once and shared, and kept for a while when nothing uses it. Bounded. */
import { SPRITE_PIXELS_MAX, SPRITE_SIDE_MAX_PX, SPRITES_IDLE_MAX, WIDTHS_MAX } from "./limits.ts";
import { BOXES, type Look, MIDDLE, STROKE_COLOR } from "./look.ts";

export type Context2d = CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D;

export interface Sprite {
  readonly key: string;
  readonly image: ImageBitmap | HTMLCanvasElement;
  /** Device pixels. */
  readonly width: number;
  readonly height: number;
  users: number;
}

export class Sprites {
  readonly #byKey = new Map<string, Sprite>();
  readonly #widths = new Map<string, number>();
  readonly #scratch = typeof OffscreenCanvas === "undefined" ? undefined : new OffscreenCanvas(1, 1);
  /** Keys of unused sprites, the longest unused first. */
  readonly #idle = new Set<string>();
  pixels = 0;

  get count(): number {
    return this.#byKey.size;
  }

  get isFull(): boolean {
    return this.pixels >= SPRITE_PIXELS_MAX;
  }

  /** Width of a comment, CSS px. */
  width(context: Context2d, { font, text, padPx }: Look): number {
    const key = `${font}\n${text}`;
    let width = this.#widths.get(key);
    if (width === undefined) {
      context.font = font;
      width = Math.ceil(context.measureText(text).width);
      if (this.#widths.size >= WIDTHS_MAX) this.#widths.clear();
      this.#widths.set(key, width);
    }
    return width + 2 * padPx;
  }

  /** The bitmap of a look, `widthPx` wide. To be given back by `release`. */
  take(look: Look, widthPx: number, ratio: number): Sprite {
    const { text, font, color, kind, strokePx } = look;
    const key = [widthPx, ratio, color, kind, strokePx, font, text].join("\n");
    let sprite = this.#byKey.get(key);
    if (sprite === undefined) {
      sprite = this.#draw(key, look, widthPx, ratio);
      this.#byKey.set(key, sprite);
      this.pixels += sprite.width * sprite.height;
    }
    sprite.users++;
    this.#idle.delete(key);
    return sprite;
  }

  release(sprite: Sprite): void {
    if (--sprite.users > 0) return;
    this.#idle.add(sprite.key);
    for (const key of this.#idle) {
      if (this.#idle.size <= SPRITES_IDLE_MAX && !this.isFull) break;
      this.#drop(key);
    }
  }

  clear(): void {
    for (const key of this.#idle) this.#drop(key);
    this.#widths.clear();
  }

  #drop(key: string): void {
    const sprite = this.#byKey.get(key);
    this.#idle.delete(key);
    this.#byKey.delete(key);
    if (sprite === undefined) return;
    this.pixels -= sprite.width * sprite.height;
    if ("close" in sprite.image) sprite.image.close();
  }

  #draw(key: string, look: Look, widthPx: number, ratio: number): Sprite {
    const width = Math.min(SPRITE_SIDE_MAX_PX, Math.max(1, Math.ceil(widthPx * ratio)));
    const height = Math.min(SPRITE_SIDE_MAX_PX, Math.max(1, Math.ceil(look.heightPx * ratio)));
    const canvas = this.#scratch ?? document.createElement("canvas");
    canvas.width = width;
    canvas.height = height;
    const context = canvas.getContext("2d") as Context2d | null;
    if (context !== null) {
      context.scale(ratio, ratio);
      paint(context, look, widthPx);
    }
    const image =
      "transferToImageBitmap" in canvas ? canvas.transferToImageBitmap() : (canvas as HTMLCanvasElement);
    return { key, image, width, height, users: 0 };
  }
}

function paint(context: Context2d, look: Look, widthPx: number): void {
  const { text, kind, strokePx, heightPx, padPx } = look;
  if (kind !== "plain") {
    const [edge, ground] = BOXES[kind];
    context.beginPath();
    if (context.roundRect) context.roundRect(1, 1, widthPx - 2, heightPx - 2, heightPx * 0.28);
    else context.rect(1, 1, widthPx - 2, heightPx - 2);
    context.fillStyle = ground;
    context.fill();
    context.strokeStyle = edge;
    context.lineWidth = 1.5;
    context.stroke();
  }
  const y = heightPx * MIDDLE;
  // Narrower than the text where a longer one found no room.
  const room = widthPx - 2 * padPx;
  context.font = look.font;
  context.textBaseline = "middle";
  if (strokePx > 0) {
    context.lineJoin = "round";
    context.lineWidth = Math.max(1.5, strokePx);
    context.strokeStyle = STROKE_COLOR;
    context.strokeText(text, padPx, y, room);
  }
  context.fillStyle = look.color;
  context.fillText(text, padPx, y, room);
}
