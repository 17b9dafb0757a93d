/**
 * The list of comments beside the stage: bounded, filled once per frame, and following the newest comment unless the
 * reader has scrolled up.
 */
import type { DanmakuRecord, DeleteRecord, GapRecord } from "@danmakud/client";
import { make } from "../shared/dom.ts";
import type { Phrase } from "./i18n.ts";

/** Rows kept; older ones leave at the top. Some screens' worth, and cheap to lay out. */
const ROWS_MAX = 400;
/** How near to the end counts as being there. */
const FOLLOW_PX = 48;
/** A hidden tab paints no frames; its rows are added at this pace instead. */
const HIDDEN_FLUSH_MS = 250;

const GAP_PHRASES: Readonly<Record<GapRecord["reason"], Phrase>> = {
  slow_consumer: "gapSlow",
  trimmed: "gapTrimmed",
  sampled: "gapSampled",
  lost: "gapLost",
  deleted: "gapDeleted",
};

/** Words for a phrase key, in the page's present language. */
export type Say = (key: Phrase, values?: Readonly<Record<string, string | number>>) => string;

/** Colour of a name: the same for the same uid, soft on the dark ground. */
export function nameHue(uid: string): number {
  let hash = 2166136261;
  for (let at = 0; at < uid.length; at++) hash = Math.imul(hash ^ uid.charCodeAt(at), 16777619);
  return (hash >>> 0) % 360;
}

export class CommentList {
  readonly #list: HTMLOListElement;
  readonly #empty: HTMLElement;
  readonly #latest: HTMLButtonElement;
  readonly #say: Say;
  #pending: HTMLLIElement[] = [];
  #scheduled = false;
  #following = true;

  constructor(list: HTMLOListElement, empty: HTMLElement, latest: HTMLButtonElement, say: Say) {
    this.#list = list;
    this.#empty = empty;
    this.#latest = latest;
    this.#say = say;
    // Not every browser lets the keyboard scroll a box that cannot be focused.
    list.tabIndex = 0;
    list.addEventListener("scroll", () => this.#look(), { passive: true });
    latest.addEventListener("click", () => this.#follow());
    new ResizeObserver(() => {
      if (this.#following) this.#follow();
    }).observe(list);
  }

  /** Adds a comment. `own` marks it as the reader's. */
  add(record: DanmakuRecord, own: boolean): void {
    const row = make("li", own ? "row own" : "row");
    row.dataset.offset = String(record.offset);
    row.dataset.uid = record.uid;
    row.title = new Date(record.ts).toLocaleTimeString();
    const name = make("span", "name", record.name ?? record.uid);
    name.style.setProperty("--hue", String(nameHue(record.uid)));
    row.append(name);
    if (own) row.append(this.#badge("me"));
    else if (record.class !== "normal") row.append(this.#badge(record.class));
    const content = make("span", "content", record.content);
    content.dir = "auto";
    if (record.color !== "#ffffff") content.style.color = record.color;
    row.append(content);
    this.#push(row);
  }

  /** Says where comments are missing. A moderator's removal leaves no mark, nor what a rush leaves out everywhere. */
  gap(record: GapRecord): void {
    const row = this.note(GAP_PHRASES[record.reason], { n: record.to - record.from + 1 });
    row.dataset.from = String(record.from);
    row.dataset.to = String(record.to);
    row.dataset.reason = record.reason;
    row.hidden = record.reason === "deleted" || record.reason === "sampled";
  }

  /** Adds a line that is not a comment. */
  note(key: Phrase, values: Readonly<Record<string, string | number>> = {}): HTMLLIElement {
    const row = make("li", "row mark");
    row.append(make("span", "", this.#say(key, values)));
    this.#push(row);
    return row;
  }

  /** Takes off what a `delete` record names. */
  remove(record: DeleteRecord): void {
    this.#flush();
    for (const row of this.#list.querySelectorAll<HTMLElement>("[data-offset]")) {
      const offset = Number(row.dataset.offset);
      if (offset === record.of || (row.dataset.uid === record.ofUid && offset < record.offset)) row.remove();
    }
  }

  #badge(key: Phrase): HTMLElement {
    const badge = make("span", `badge badge-${key}`, this.#say(key));
    badge.dataset.text = key;
    return badge;
  }

  #push(row: HTMLLIElement): void {
    this.#pending.push(row);
    if (this.#pending.length > ROWS_MAX) this.#pending.shift();
    if (this.#scheduled) return;
    this.#scheduled = true;
    if (document.visibilityState === "hidden") setTimeout(() => this.#flush(), HIDDEN_FLUSH_MS);
    else requestAnimationFrame(() => this.#flush());
  }

  #flush(): void {
    this.#scheduled = false;
    if (this.#pending.length === 0) return;
    this.#list.append(...this.#pending);
    this.#pending = [];
    while (this.#list.childElementCount > ROWS_MAX) this.#list.firstElementChild?.remove();
    this.#empty.hidden = true;
    if (this.#following) this.#list.scrollTop = this.#list.scrollHeight;
    else this.#latest.hidden = false;
  }

  #look(): void {
    const below = this.#list.scrollHeight - this.#list.scrollTop - this.#list.clientHeight;
    this.#following = below < FOLLOW_PX;
    if (this.#following) this.#latest.hidden = true;
  }

  #follow(): void {
    this.#following = true;
    this.#latest.hidden = true;
    this.#list.scrollTop = this.#list.scrollHeight;
  }
}
