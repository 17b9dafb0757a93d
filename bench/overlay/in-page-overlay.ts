/** The project's own renderer, as it is published: the worker inlined. */
import { Overlay, type OverlayOptions } from "@danmakud/overlay";
import type { Contestant, Feed } from "./contestant.ts";

/** Its time to cross 1280 px at speed 1. */
const CROSSING_MS = 4300 + 1280 * 3.7;

class OwnOverlay implements Contestant {
  #overlay: Overlay | undefined;

  async start(stage: HTMLElement, { crossingMs }: Feed): Promise<void> {
    const engine = (new URLSearchParams(location.search).get("engine") ?? "auto") as NonNullable<
      OverlayOptions["engine"]
    >;
    this.#overlay = new Overlay(stage, {
      engine,
      speed: CROSSING_MS / crossingMs,
      overflow: "overlap",
    });
    await this.#overlay.stats();
  }

  emit(content: string): void {
    this.#overlay?.emit({ content });
  }

  async onScreen(): Promise<number> {
    return (await this.#overlay?.stats())?.onScreen ?? 0;
  }

  async load(texts: readonly string[], everyMs: number): Promise<void> {
    await this.#overlay?.load(texts.map((content, at) => ({ content, timeMs: at * everyMs })));
  }
}

window.contestant = new OwnOverlay();
