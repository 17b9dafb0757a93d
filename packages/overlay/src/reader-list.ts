/** The latest comments as a list for screen readers, out of sight. It changes at most once a second. */
import { READER_EVERY_MS, READER_ROWS_MAX } from "./limits.ts";

export class ReaderList {
  readonly element = document.createElement("ul");
  #texts: string[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * @param label name of the list
   * @param isSpoken whether new comments are read out; without, the list is there to be visited
   */
  constructor(label: string, isSpoken: boolean) {
    const { element } = this;
    element.setAttribute("aria-label", label);
    element.setAttribute("role", "log");
    element.setAttribute("aria-live", isSpoken ? "polite" : "off");
    const { style } = element;
    style.position = "absolute";
    style.width = style.height = "1px";
    style.margin = style.padding = "0";
    style.overflow = "hidden";
    style.clipPath = "inset(50%)";
    style.whiteSpace = "nowrap";
  }

  add(text: string): void {
    this.#texts.push(text);
    if (this.#texts.length > READER_ROWS_MAX) this.#texts.shift();
    this.#timer ??= setTimeout(() => this.#write(), READER_EVERY_MS);
  }

  clear(): void {
    this.#texts = [];
    this.element.replaceChildren();
  }

  destroy(): void {
    clearTimeout(this.#timer);
    this.element.remove();
  }

  #write(): void {
    this.#timer = undefined;
    const { element } = this;
    for (const text of this.#texts) {
      const row = document.createElement("li");
      row.textContent = text;
      element.append(row);
    }
    this.#texts = [];
    while (element.childElementCount > READER_ROWS_MAX) element.firstElementChild?.remove();
  }
}
