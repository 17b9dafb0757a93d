/** The package `danmaku`, both of its engines. */
import Danmaku from "danmaku";
import type { Contestant, Feed } from "./contestant.ts";

interface DanmakuComment {
  readonly text: string;
  readonly time?: number;
  readonly style: object;
}

class DanmakuPackage implements Contestant {
  readonly #engine = new URLSearchParams(location.search).get("engine") ?? "dom";
  #stage: HTMLElement | undefined;
  #danmaku: InstanceType<typeof Danmaku> | undefined;

  start(stage: HTMLElement, { crossingMs }: Feed): void {
    this.#stage = stage;
    // Pixels per second.
    const speed = (stage.clientWidth / crossingMs) * 1000;
    this.#danmaku = new Danmaku({ container: stage, engine: this.#engine, speed, comments: [] });
  }

  emit(text: string): void {
    this.#danmaku?.emit(this.#comment(text));
  }

  onScreen(): number {
    return this.#danmaku?._.runningList.length ?? 0;
  }

  load(texts: readonly string[], everyMs: number): void {
    const media = document.createElement("video");
    const comments = texts.map((text, at) => ({ ...this.#comment(text), time: (at * everyMs) / 1000 }));
    new Danmaku({ container: this.#stage, media, engine: this.#engine, comments }).destroy();
  }

  #comment(text: string): DanmakuComment {
    const font = '600 24px "Noto Sans CJK SC", sans-serif';
    const style =
      this.#engine === "canvas"
        ? { font, textBaseline: "bottom", fillStyle: "#ffffff", strokeStyle: "#060912", lineWidth: 3 }
        : { font, color: "#ffffff", textShadow: "0 0 3px #060912" };
    return { text, style };
  }
}

window.contestant = new DanmakuPackage();
