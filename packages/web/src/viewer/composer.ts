/** The box in which a comment is written: its text, motion, size and colour, and what became of it. */
import { DanmakuError, type Message, type Sent } from "@danmakud/client";
import { CONTENT_CODE_POINTS_MAX, type Mode } from "@danmakud/wire";
import { byId, disclose, make } from "../shared/dom.ts";
import type { Phrase } from "./i18n.ts";
import type { Say } from "./list.ts";

const COLORS = [
  ["white", "#ffffff"],
  ["yellow", "#ffd75e"],
  ["orange", "#ff9f5a"],
  ["red", "#ff6b6b"],
  ["pink", "#ff8fc7"],
  ["violet", "#b79cff"],
  ["blue", "#6cb8ff"],
  ["green", "#6fe0a2"],
] as const satisfies readonly (readonly [Phrase, string])[];

/** The counter appears when this many characters are left. */
const COUNTER_FROM = 40;
/** How long a note about a failed send stays. */
const NOTE_MS = 6000;

const ERROR_PHRASES: Partial<Record<DanmakuError["code"], Phrase>> = {
  rate_limited: "errorRate",
  muted: "errorMuted",
  banned: "errorBanned",
  content_rejected: "errorRejected",
  room_closed: "errorClosed",
  forbidden: "errorForbidden",
  unauthorized: "errorUnauthorized",
  overloaded: "errorBusy",
  unavailable: "errorBusy",
};

/** What the composer asks of the page. */
export interface ComposerPort {
  readonly say: Say;
  send(message: Message): Promise<Sent>;
  connected(): boolean;
}

export class Composer {
  readonly #port: ComposerPort;
  readonly #form = byId("composer", HTMLFormElement);
  readonly #text = byId("composer-text", HTMLInputElement);
  readonly #counter = byId("counter", HTMLElement);
  readonly #note = byId("composer-note", HTMLElement);
  readonly #button = byId("send", HTMLButtonElement);
  #noteTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(port: ComposerPort) {
    this.#port = port;
    this.#addColors();
    const look = byId("look", HTMLElement);
    disclose(byId("look-toggle", HTMLButtonElement), look, (open) => look.classList.toggle("open", open));
    this.#text.addEventListener("input", () => this.#count());
    this.#form.addEventListener("change", () => this.#showLook());
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#submit();
    });
    this.#showLook();
    this.#count();
  }

  /** Takes the connection's change: a send that waits for it says so no longer. */
  connectionChanged(): void {
    if (this.#port.connected() && this.#note.dataset.kind === "waiting") this.#say("");
  }

  #addColors(): void {
    const group = byId("colors", HTMLElement);
    for (const [key, value] of COLORS) {
      const label = make("label", "swatch");
      label.dataset.title = key;
      const input = document.createElement("input");
      input.type = "radio";
      input.name = "color";
      input.value = value;
      input.checked = value === "#ffffff";
      const dot = make("span", "dot");
      dot.style.setProperty("--color", value);
      const name = make("span", "hidden");
      name.dataset.text = key;
      label.append(input, dot, name);
      group.append(label);
    }
  }

  #look(): { mode: Mode; size: number; color: string } {
    const fields = new FormData(this.#form);
    return {
      mode: String(fields.get("mode")) as Mode,
      size: Number(fields.get("size")),
      color: String(fields.get("color")),
    };
  }

  #showLook(): void {
    const { size, color } = this.#look();
    const chip = byId("look-chip", HTMLElement);
    chip.style.color = color;
    chip.style.fontSize = `${10 + size / 3.4}px`;
    this.#text.style.setProperty("--ink", color);
  }

  #excess(): number {
    return Array.from(this.#text.value.trim()).length - CONTENT_CODE_POINTS_MAX;
  }

  #count(): void {
    const excess = this.#excess();
    this.#counter.textContent = excess > -COUNTER_FROM ? String(-excess) : "";
    this.#counter.classList.toggle("over", excess > 0);
    this.#button.disabled = excess > 0 || this.#text.value.trim() === "";
  }

  async #submit(): Promise<void> {
    const content = this.#text.value.trim();
    if (content === "" || this.#excess() > 0) return;
    this.#text.value = "";
    this.#count();
    if (this.#port.connected()) this.#say("");
    else this.#say(this.#port.say("willSend"), "waiting");
    try {
      await this.#port.send({ content, ...this.#look() });
    } catch (error) {
      // What was written is not lost with the refusal.
      if (this.#text.value === "") this.#text.value = content;
      this.#count();
      this.#say(this.#explain(error), "bad");
    }
  }

  #explain(error: unknown): string {
    const { say } = this.#port;
    if (!(error instanceof DanmakuError)) return say("errorOther", { message: String(error) });
    const key = ERROR_PHRASES[error.code];
    if (key === undefined) return say("errorOther", { message: error.message });
    return say(key, { n: Math.max(1, Math.ceil((error.retryAfterMs ?? 1000) / 1000)) });
  }

  #say(text: string, kind: "bad" | "waiting" = "waiting"): void {
    clearTimeout(this.#noteTimer);
    this.#note.textContent = text;
    this.#note.dataset.kind = kind;
    if (text !== "" && kind === "bad") this.#noteTimer = setTimeout(() => this.#say(""), NOTE_MS);
  }
}
