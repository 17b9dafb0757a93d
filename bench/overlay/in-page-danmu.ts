/** The package `danmu.js`, set to let comments overlap, since it leaves out what finds no channel else. */
import { DanmuJs } from "danmu.js";
import type { Contestant, Feed } from "./contestant.ts";

class DanmuPackage implements Contestant {
  #stage: HTMLElement | undefined;
  #danmu: DanmuJs | undefined;
  #crossingMs = 0;
  #next = 0;

  start(stage: HTMLElement, { crossingMs }: Feed): void {
    this.#stage = stage;
    this.#crossingMs = crossingMs;
    this.#danmu = this.#make([]);
    this.#danmu.start();
  }

  emit(text: string): void {
    this.#danmu?.sendComment(this.#comment(text));
  }

  onScreen(): number {
    return this.#stage?.childElementCount ?? 0;
  }

  load(texts: readonly string[], everyMs: number): void {
    const danmu = this.#make(texts.map((text, at) => ({ ...this.#comment(text), start: at * everyMs })));
    danmu.stop();
  }

  #make(comments: readonly object[]): DanmuJs {
    return new DanmuJs({
      container: this.#stage,
      comments,
      channelSize: 24,
      area: { start: 0, end: 1 },
      mouseControl: false,
      live: true,
      overlap: true,
    });
  }

  #comment(txt: string): object {
    this.#next++;
    return {
      id: `c${this.#next}`,
      duration: this.#crossingMs,
      start: 0,
      txt,
      mode: "scroll",
      style: {
        color: "#ffffff",
        fontSize: "24px",
        fontWeight: "600",
        fontFamily: '"Noto Sans CJK SC", sans-serif',
        textShadow: "0 0 3px #060912",
      },
    };
  }
}

window.contestant = new DanmuPackage();
