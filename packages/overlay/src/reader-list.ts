/** The latest comments as a list for screen readers, out of sight. It changes at most once a second. */
import { READER_EVERY_MS, READER_ROWS_MAX } from "./limits.ts";

export class ReaderList {
  readonly element = document.createElement("div");
  readonly #list = document.createElement("ul");
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
    // The log is around the list: a list with another role would leave its rows without one.
    element.append(this.#list);
  }

  add(text: string): void {
    this.#texts.push(text);
    if (this.#texts.length > READER_ROWS_MAX) this.#texts.shift();
    this.#timer ??= setTimeout(() => this.#write(), READER_EVERY_MS);
  }

  clear(): void {
    this.#texts = [];
    this.#list.replaceChildren();
  }

  destroy(): void {
    clearTimeout(this.#timer);
    this.element.remove();
  }

  #write(): void {
    this.#timer = undefined;
    const list = this.#list;
    for (const text of this.#texts) {
      const row = document.createElement("li");
      row.textContent = text;
      list.append(row);
    }
    this.#texts = [];
    while (list.childElementCount > READER_ROWS_MAX) list.firstElementChild?.remove();
  }
}
