/** Draws the stage by elements that can be pressed: for tens of comments, not for thousands. */
import { flightX } from "./flight.ts";
import { ITEMS_MAX } from "./limits.ts";
import { BOXES, lookOf, STROKE_COLOR } from "./look.ts";
import { FADE_MS, type Painter } from "./painter.ts";
import { cutOut } from "./painter-canvas.ts";
import type { Item, Stage } from "./stage.ts";
import type { Comment, Mask, Settings } from "./types.ts";

/** Width of the picture that a mask is made of; it is stretched. */
const MASK_PX = 480;

export class DomPainter implements Painter {
  readonly engine = "dom";
  readonly spritePixels = 0;
  readonly #layer: HTMLElement;
  readonly #probe: HTMLElement;
  readonly #onClick: (comment: Comment, event: MouseEvent) => void;
  readonly #shown = new Map<HTMLElement, Item>();
  #settings: Settings;

  constructor(
    layer: HTMLElement,
    settings: Settings,
    onClick: (comment: Comment, event: MouseEvent) => void,
  ) {
    this.#layer = layer;
    this.#settings = settings;
    this.#onClick = onClick;
    this.#probe = this.#element();
    this.#probe.style.visibility = "hidden";
    layer.append(this.#probe);
  }

  get spriteCount(): number {
    return this.#shown.size;
  }

  hasRoom(): boolean {
    return this.#shown.size < ITEMS_MAX;
  }

  measure(comment: Comment, count: number): { widthPx: number; heightPx: number } {
    this.#dress(this.#probe, comment, count);
    const widthPx = this.#probe.offsetWidth;
    this.#probe.textContent = "";
    return { widthPx, heightPx: lookOf(comment, count, this.#settings).heightPx };
  }

  release(item: Item): void {
    const element = item.sprite as HTMLElement | undefined;
    if (element === undefined) return;
    this.#shown.delete(element);
    element.remove();
    item.sprite = undefined;
  }

  setSettings(settings: Settings): void {
    this.#settings = settings;
  }

  resize(): void {}

  setMask(mask: Mask | null): void {
    const { style } = this.#layer;
    if (mask === null) {
      style.maskImage = "";
      return;
    }
    const canvas = document.createElement("canvas");
    canvas.width = MASK_PX;
    canvas.height = MASK_PX;
    const context = canvas.getContext("2d");
    if (context === null) return;
    context.fillRect(0, 0, MASK_PX, MASK_PX);
    cutOut(context, mask, MASK_PX, MASK_PX);
    style.maskImage = `url(${canvas.toDataURL()})`;
    style.maskSize = "100% 100%";
  }

  draw(stage: Stage, nowMs: number): void {
    for (const item of stage.items) {
      const { flight } = item;
      if (flight.startMs > nowMs) continue;
      item.sprite ??= this.#show(item);
      const element = item.sprite as HTMLElement;
      element.style.transform = `translate3d(${flightX(flight, nowMs)}px,${stage.top(item)}px,0)`;
      if (flight.velocity === 0)
        element.style.opacity = String(
          Math.max(0, Math.min(1, (nowMs - flight.startMs) / FADE_MS, (flight.endMs - nowMs) / FADE_MS)),
        );
    }
  }

  wipe(): void {
    for (const item of [...this.#shown.values()]) this.release(item);
  }

  destroy(): void {
    this.#layer.replaceChildren();
    this.#shown.clear();
  }

  #show(item: Item): HTMLElement {
    const element = this.#element();
    this.#dress(element, item.comment, item.members.length);
    element.style.pointerEvents = "auto";
    element.style.cursor = "pointer";
    element.addEventListener("click", (event) => this.#onClick(item.comment, event));
    this.#shown.set(element, item);
    this.#layer.append(element);
    return element;
  }

  #element(): HTMLElement {
    const element = document.createElement("span");
    const { style } = element;
    style.position = "absolute";
    style.left = style.top = "0";
    style.whiteSpace = "pre";
    style.boxSizing = "border-box";
    style.willChange = "transform";
    return element;
  }

  #dress(element: HTMLElement, comment: Comment, count: number): void {
    const look = lookOf(comment, count, this.#settings);
    const { style } = element;
    const box = look.kind === "plain" ? undefined : BOXES[look.kind];
    element.textContent = look.text;
    style.font = look.font;
    style.lineHeight = `${look.heightPx}px`;
    style.height = `${look.heightPx}px`;
    style.padding = `0 ${look.padPx}px`;
    style.color = look.color;
    style.setProperty("-webkit-text-stroke", `${look.strokePx}px ${STROKE_COLOR}`);
    style.setProperty("paint-order", "stroke fill");
    style.background = box?.[1] ?? "";
    style.boxShadow = box === undefined ? "" : `inset 0 0 0 1.5px ${box[0]}`;
    style.borderRadius = box === undefined ? "" : `${look.heightPx * 0.28}px`;
  }
}
