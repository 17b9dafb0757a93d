/** The connection's state as the page shows it. */
import type { StateChange } from "@danmakud/client";
import { CLOSE_CODES } from "@danmakud/wire";
import { byId } from "../shared/dom.ts";
import type { Phrase } from "./i18n.ts";
import type { Say } from "./list.ts";

/**
 * - `connecting`: first connection on its way.
 * - `connected`: in the room.
 * - `reconnecting`: lost, coming back by itself.
 * - `resumed`: just back, and everything in between follows; becomes `connected` after a while.
 * - `restarted`: just back, but from the present on; becomes `connected` after a while.
 * - `ended`: left for good, with the reason.
 */
export type ShownState = "connecting" | "connected" | "reconnecting" | "resumed" | "restarted" | "ended";

const BACK_MS = 6000;

const END_PHRASES: Readonly<Record<number, Phrase>> = {
  [CLOSE_CODES.unauthorized]: "endedUnauthorized",
  [CLOSE_CODES.banned]: "endedBanned",
  [CLOSE_CODES.room_closed]: "endedClosed",
  [CLOSE_CODES.protocol_error]: "endedProtocol",
};

/** What to show for the SDK's state. */
export function shownState(change: StateChange): ShownState {
  if (change.state === "connecting") return change.reconnect ? "reconnecting" : "connecting";
  if (change.state === "disconnected") return change.retryInMs === undefined ? "ended" : "reconnecting";
  if (!change.reconnect) return "connected";
  return change.resumed === true ? "resumed" : "restarted";
}

export class Status {
  readonly #element = byId("status", HTMLElement);
  readonly #text = byId("status-text", HTMLElement);
  readonly #say: Say;
  #state: ShownState = "connecting";
  #phrase: Phrase = "connecting";
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(say: Say) {
    this.#say = say;
    this.refresh();
  }

  get state(): ShownState {
    return this.#state;
  }

  /** Shows what the SDK reports. */
  show(change: StateChange): void {
    clearTimeout(this.#timer);
    const state = shownState(change);
    this.#set(state, state === "ended" ? (END_PHRASES[change.code ?? 0] ?? "ended") : state);
    this.#element.title = change.reason ?? "";
    if (state === "resumed" || state === "restarted") {
      this.#timer = setTimeout(() => this.#set("connected", "connected"), BACK_MS);
    }
  }

  /** Says the same in the present language. */
  refresh(): void {
    this.#set(this.#state, this.#phrase);
  }

  #set(state: ShownState, key: Phrase): void {
    this.#state = state;
    this.#phrase = key;
    this.#element.dataset.state = state;
    this.#text.textContent = this.#say(key);
  }
}
