/** Bitmaps of comments: each look is drawn once and shared, and kept for a while when nothing uses it. Bounded. */
import { SPRITE_PIXELS_MAX, SPRITE_SIDE_MAX_PX, SPRITES_IDLE_MAX, WIDTHS_MAX } from "./limits.ts";
import { BOXES, type Look, MIDDLE, STROKE_COLOR } from "./look.ts";

export type Context2d = CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D;

export interface Sprite {
  readonly key: string;
  readonly image: ImageBitmap | HTMLCanvasElement;
  /** Device pixels from the comment's box to the bitmap, which is no larger than what is drawn in it. */
  readonly left: number;
  readonly top: number;
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
    const canvas = this.#scratch ?? document.createElement("canvas");
    const context = canvas.getContext("2d") as Context2d | null;
    const { left, top, right, bottom } =
      context === null ? boxOf(look, widthPx) : inkOf(context, look, widthPx);
    const x = Math.floor(left * ratio);
    const y = Math.floor(top * ratio);
    const width = Math.min(SPRITE_SIDE_MAX_PX, Math.max(1, Math.ceil(right * ratio) - x));
    const height = Math.min(SPRITE_SIDE_MAX_PX, Math.max(1, Math.ceil(bottom * ratio) - y));
    canvas.width = width;
    canvas.height = height;
    if (context !== null) {
      context.setTransform(ratio, 0, 0, ratio, -x, -y);
      paint(context, look, widthPx);
    }
    const image =
      "transferToImageBitmap" in canvas ? canvas.transferToImageBitmap() : (canvas as HTMLCanvasElement);
    return { key, image, left: x, top: y, width, height, users: 0 };
  }
}

/** Edges within a comment's box, CSS px. */
interface Edges {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

const boxOf = ({ heightPx }: Look, widthPx: number): Edges => ({
  left: 0,
  top: 0,
  right: widthPx,
  bottom: heightPx,
});

/** What is drawn of a comment: every pixel of its bitmap is copied in every frame, so empty ones are left out. */
function inkOf(context: Context2d, look: Look, widthPx: number): Edges {
  const box = boxOf(look, widthPx);
  const { text, kind, padPx } = look;
  if (kind !== "plain") return box;
  context.font = look.font;
  context.textBaseline = "middle";
  const ink = context.measureText(text);
  // Set narrower than it is: its edges are not the measured ones.
  if (ink.width > widthPx - 2 * padPx) return box;
  // The outline, and a pixel for what smoothing adds.
  const margin = outlinePx(look) / 2 + 1;
  const middle = look.heightPx * MIDDLE;
  return {
    left: Math.max(0, padPx - ink.actualBoundingBoxLeft - margin),
    top: Math.max(0, middle - ink.actualBoundingBoxAscent - margin),
    right: Math.min(box.right, padPx + ink.actualBoundingBoxRight + margin),
    bottom: Math.min(box.bottom, middle + ink.actualBoundingBoxDescent + margin),
  };
}

const outlinePx = ({ strokePx }: Look): number => (strokePx > 0 ? Math.max(1.5, strokePx) : 0);

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
    context.lineWidth = outlinePx(look);
    context.strokeStyle = STROKE_COLOR;
    context.strokeText(text, padPx, y, room);
  }
  context.fillStyle = look.color;
  context.fillText(text, padPx, y, room);
}
