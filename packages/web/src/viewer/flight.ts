/** The flying comments of the viewer page: the overlay over the stage, with the viewer's settings. */
import { type Comment, Overlay } from "@danmakud/overlay";
import { createOverlayWorker } from "../shared/overlay-worker.ts";
import { overlaySettings, type Settings } from "./storage.ts";

/** Text grows with the stage between these sizes, CSS px. */
const FONT_LEAST_PX = 17;
const FONT_MOST_PX = 30;
/** Lines of text that the height of a stage is worth. */
const LINES = 23;

export class Flight {
  readonly #stage: HTMLElement;
  readonly #overlay: Overlay;

  constructor(stage: HTMLElement) {
    this.#stage = stage;
    // The page has a list of all comments, in words and in order.
    this.#overlay = new Overlay(stage, { createWorker: createOverlayWorker, reader: "off" });
    new ResizeObserver(() => this.#fit()).observe(stage);
    this.#fit();
  }

  emit(comments: readonly Comment[]): void {
    this.#overlay.emit(comments);
  }

  /** Takes off the comment `of`, or those of `ofUid` before `offset`. */
  remove({
    of,
    ofUid,
    offset,
  }: {
    readonly of?: number;
    readonly ofUid?: string;
    readonly offset: number;
  }): void {
    if (of !== undefined) this.#overlay.remove(of);
    if (ofUid !== undefined) this.#overlay.removeByUser(ofUid, offset);
  }

  setSettings(settings: Settings): void {
    this.#overlay.setOptions(overlaySettings(settings));
    if (settings.visible) this.#overlay.show();
    else this.#overlay.hide();
  }

  #fit(): void {
    const fontPx = Math.min(FONT_MOST_PX, Math.max(FONT_LEAST_PX, this.#stage.clientHeight / LINES));
    this.#overlay.setOptions({ fontPx });
  }
}
