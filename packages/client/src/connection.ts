/** One connection of a room: opens a link, and notices when it is dead though nobody closed it. */
import type { ClientRecord, ServerRecord } from "@danmakud/wire";
import { HELLO_TIMEOUT_MS, PONG_TIMEOUT_MS, WATCH_INTERVAL_MS } from "./limits.ts";
import { type Link, type LinkHandlers, NO_CLOSE_FRAME } from "./link.ts";

export interface ConnectionHandlers {
  /** Records that arrived together, in order. */
  readonly onRecords: (records: readonly ServerRecord[]) => void;
  /** Called once, last of all; not called after `close()`. 1006 = the connection was lost, or never came about. */
  readonly onClosed: (code: number, reason: string) => void;
}

export class Connection {
  readonly #link: Link;
  readonly #handlers: ConnectionHandlers;
  readonly #pingAfterMs: number;
  readonly #watch: ReturnType<typeof setInterval>;
  #greeted = false;
  /** Time of the last sign of life, at first of the start. */
  #heardAt = Date.now();
  /** Time by which something must be heard; 0 = none is set. */
  #deadline = this.#heardAt + HELLO_TIMEOUT_MS;

  /**
   * @param open opens the link; may throw.
   * @param pingAfterMs silence after which the server is asked whether it is there.
   */
  constructor(open: (handlers: LinkHandlers) => Link, handlers: ConnectionHandlers, pingAfterMs: number) {
    this.#handlers = handlers;
    this.#pingAfterMs = pingAfterMs;
    this.#link = open({
      onHeard: () => this.#heard(),
      onRecords: (records) => {
        this.#greeted = true;
        this.#heard();
        handlers.onRecords(records);
      },
      onClosed: (code, reason) => this.#end(code, reason),
    });
    this.#watch = setInterval(() => this.#look(), WATCH_INTERVAL_MS);
  }

  /**
   * Sends one record.
   * @throws DanmakuError where it cannot be encoded.
   */
  send(record: ClientRecord): void {
    this.#link.send(record);
  }

  /** Asks for a sign of life at once, and waits less long for it than after a mere silence. */
  check(): void {
    if (this.#greeted) this.#ask(this.#link.answersWithinMs);
  }

  /** Closes without a further call to the handlers. */
  close(): void {
    clearInterval(this.#watch);
    this.#link.close();
  }

  #heard(): void {
    this.#heardAt = Date.now();
    if (this.#greeted) this.#deadline = 0;
  }

  #look(): void {
    const now = Date.now();
    if (this.#deadline > 0) {
      // Gives up at once: the socket's own `close` event may take the browser a minute.
      if (now > this.#deadline) {
        this.#link.close();
        this.#end(NO_CLOSE_FRAME, this.#greeted ? "no pong" : "no hello");
      }
    } else if (now - this.#heardAt > this.#pingAfterMs) {
      // Asked first even after hours: a laptop that wakes up, or a throttled tab, has timers that come late.
      this.#ask(PONG_TIMEOUT_MS);
    }
  }

  #ask(timeoutMs: number): void {
    this.#deadline = Date.now() + timeoutMs;
    this.#link.send({ type: "ping", id: 0 });
  }

  #end(code: number, reason: string): void {
    clearInterval(this.#watch);
    this.#handlers.onClosed(code, reason);
  }
}
