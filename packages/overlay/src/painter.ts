/** What draws the stage. Text is measured where it is drawn. */
import type { Gauge, Stage } from "./stage.ts";
import type { Mask, OverlayStats, Settings } from "./types.ts";

export interface Painter extends Gauge {
  readonly engine: OverlayStats["engine"];
  readonly spriteCount: number;
  readonly spritePixels: number;
  setSettings(settings: Settings): void;
  /** @param ratio device pixels per CSS px */
  resize(widthPx: number, heightPx: number, ratio: number): void;
  setMask(mask: Mask | null): void;
  draw(stage: Stage, nowMs: number): void;
  /** Shows an empty stage. */
  wipe(): void;
  destroy(): void;
}

/** Standing comments come and go softly. */
export const FADE_MS = 220;
