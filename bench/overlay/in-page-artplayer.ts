/** The package `artplayer-plugin-danmuku` in the player that it is for, over silent sound instead of a video. */
import Artplayer from "artplayer";
import artplayerPluginDanmuku from "artplayer-plugin-danmuku";
import type { Contestant, Feed } from "./contestant.ts";

const SAMPLE_RATE = 8000;
const SECONDS = 600;

/** Address of silence (RIFF WAVE, 8-bit mono), so that the player plays without decoding pictures. */
function silence(): string {
  const bytes = new Uint8Array(44 + SAMPLE_RATE * SECONDS).fill(128, 44);
  const view = new DataView(bytes.buffer);
  const text = (at: number, word: string) => bytes.set(new TextEncoder().encode(word), at);
  text(0, "RIFF");
  view.setUint32(4, bytes.length - 8, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, SAMPLE_RATE, true);
  view.setUint32(28, SAMPLE_RATE, true);
  view.setUint16(32, 1, true);
  view.setUint16(34, 8, true);
  text(36, "data");
  view.setUint32(40, bytes.length - 44, true);
  return URL.createObjectURL(new Blob([bytes], { type: "audio/wav" }));
}

interface DanmukuPlugin {
  emit(danmu: object): unknown;
  load(danmus: readonly object[]): Promise<unknown>;
}

class ArtplayerPackage implements Contestant {
  #art: Artplayer | undefined;
  #plugin: DanmukuPlugin | undefined;

  async start(stage: HTMLElement, { crossingMs }: Feed): Promise<void> {
    const art = new Artplayer({
      container: stage as HTMLDivElement,
      url: silence(),
      muted: true,
      plugins: [
        artplayerPluginDanmuku({
          danmuku: [],
          speed: crossingMs / 1000,
          fontSize: 24,
          margin: [0, 0],
          // With it, comments that find no place wait, and few are on stage.
          antiOverlap: false,
          emitter: false,
        }),
      ],
    });
    this.#art = art;
    await new Promise<void>((ready) => art.on("ready", () => ready()));
    await art.play();
    // What a plugin returns is untyped in the player's own types.
    this.#plugin = art.plugins.artplayerPluginDanmuku as unknown as DanmukuPlugin;
  }

  emit(text: string): void {
    this.#plugin?.emit({ text, color: "#ffffff", border: false });
  }

  onScreen(): number {
    return this.#art?.template.$player.querySelectorAll('[data-state="emit"]').length ?? 0;
  }

  async load(texts: readonly string[], everyMs: number): Promise<void> {
    await this.#plugin?.load(texts.map((text, at) => ({ text, time: (at * everyMs) / 1000 })));
  }
}

window.contestant = new ArtplayerPackage();
