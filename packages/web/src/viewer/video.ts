/** A video behind the comments instead of the drawn scene: any address that the browser can play. */
import { byId, disclose } from "../shared/dom.ts";
import type { Say } from "./list.ts";

/** Addresses that are taken: of the web, or of this page's own origin. */
function videoAddress(text: string): string | undefined {
  try {
    const address = new URL(text, location.href);
    return /^https?:$/.test(address.protocol) ? address.href : undefined;
  } catch {
    return undefined;
  }
}

export class VideoStage {
  readonly #video = byId("video", HTMLVideoElement);
  readonly #form = byId("video-form", HTMLFormElement);
  readonly #field = byId("video-url", HTMLInputElement);
  readonly #note = byId("video-note", HTMLElement);
  readonly #sound = byId("video-sound", HTMLButtonElement);
  readonly #play = byId("video-play", HTMLButtonElement);
  readonly #say: Say;

  constructor(say: Say) {
    this.#say = say;
    const button = byId("open-video", HTMLButtonElement);
    disclose(button, this.#form, (open) => {
      this.#form.hidden = !open;
    });
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.show(this.#field.value.trim());
    });
    byId("video-none", HTMLButtonElement).addEventListener("click", () => this.show(""));
    this.#video.addEventListener("error", () => this.#failed());
    this.#video.addEventListener("loadeddata", () => {
      this.#note.textContent = "";
    });
    this.#sound.addEventListener("click", () => {
      this.#video.muted = !this.#video.muted;
      this.refresh();
    });
    this.#play.addEventListener("click", () => {
      if (this.#video.paused) this.#start();
      else this.#video.pause();
    });
    for (const change of ["play", "pause"]) this.#video.addEventListener(change, () => this.refresh());
    const asked = new URLSearchParams(location.search).get("video");
    if (asked !== null) this.show(asked);
  }

  /** Plays an address, or shows the scene again where it is empty. */
  show(text: string): void {
    const address = text === "" ? undefined : videoAddress(text);
    this.#field.value = text;
    this.#note.textContent = text !== "" && address === undefined ? this.#say("videoBad") : "";
    this.#video.hidden = address === undefined;
    if (address === undefined) this.#video.removeAttribute("src");
    else {
      this.#video.src = address;
      this.#start();
    }
    this.refresh();
  }

  /** Says the same in the present language. */
  refresh(): void {
    const { paused, muted, hidden } = this.#video;
    this.#play.hidden = this.#sound.hidden = hidden;
    this.#play.setAttribute("aria-label", this.#say(paused ? "play" : "pause"));
    this.#play.dataset.state = paused ? "paused" : "playing";
    this.#sound.setAttribute("aria-label", this.#say(muted ? "unmute" : "mute"));
    this.#sound.dataset.state = muted ? "muted" : "loud";
  }

  #start(): void {
    // A browser may want a press first: then the button shows that it is paused.
    this.#video.play().catch(() => this.refresh());
  }

  #failed(): void {
    if (this.#video.hidden) return;
    this.#note.textContent = this.#say("videoFailed");
    this.#video.hidden = true;
    this.#form.hidden = false;
    byId("open-video", HTMLButtonElement).setAttribute("aria-expanded", "true");
    this.refresh();
  }
}
