import type { ServerRecord } from "@danmakud/wire";
import { RecordSocket } from "./record-socket.ts";
import { addressNow, type PublishFields } from "./viewer-options.ts";
import { waitFor } from "./wait-for.ts";

export interface PublisherOptions {
  /** Base address of the WebSocket without a query; a function is asked for each connection. */
  readonly url: string | (() => string);
  readonly uid?: string;
  /** Default service, which is exempt from the limits of a user. */
  readonly role?: string;
}

/** Error codes after which the same publish is sent again with its key. */
const TRY_AGAIN = new Set(["rate_limited", "overloaded", "unavailable"]);
const RECONNECT_PAUSE_MS = 60;
const RETRY_PAUSE_MS = 100;

interface Pending {
  readonly id: number;
  readonly fields: PublishFields & { readonly key: string };
  readonly resolve: (offset: number) => void;
}

/**
 * Publishes as a careful client does: every danmaku has a key, and is sent again with it, over reconnects too, until it
 * is acknowledged. Remembers what was acknowledged, which is what the server must never lose.
 */
export class Publisher {
  /** Content by offset, acknowledged. */
  readonly acked = new Map<number, string>();
  /** Refusals for good, `code: content`. */
  readonly refused: string[] = [];
  /** What was wrong with the answers, in words. */
  readonly faults: string[] = [];
  /** Answers that meant "try again", by code. */
  readonly retries = new Map<string, number>();
  readonly #options: PublisherOptions;
  readonly #pending = new Map<number, Pending>();
  #socket: RecordSocket | undefined;
  #greeted = false;
  #stopped = false;
  #id = 0;
  readonly #name = crypto.randomUUID().slice(0, 8);

  constructor(options: PublisherOptions) {
    this.#options = options;
    this.#connect();
  }

  get pending(): number {
    return this.#pending.size;
  }

  /** Connected and greeted. */
  get ready(): boolean {
    return this.#greeted;
  }

  /** Publishes one danmaku; settles with its offset when it is acknowledged, however long that takes. */
  publish(fields: PublishFields): Promise<number> {
    const id = this.#id++;
    const { promise, resolve } = Promise.withResolvers<number>();
    const pending = { id, fields: { key: `${this.#name}-${id}`, ...fields }, resolve };
    this.#pending.set(id, pending);
    if (this.#greeted) this.#send(pending);
    return promise;
  }

  /** Waits until everything is acknowledged or refused. */
  async settled(timeoutMs?: number): Promise<void> {
    await waitFor(
      () =>
        `${this.#pending.size} publishes to be acknowledged; tried again ${JSON.stringify([...this.retries])}`,
      () => this.#pending.size === 0,
      timeoutMs === undefined ? {} : { timeoutMs },
    );
  }

  async close(): Promise<void> {
    this.#stopped = true;
    await this.#socket?.close();
  }

  #connect(): void {
    const query = new URLSearchParams({ role: this.#options.role ?? "service" });
    query.set("uid", this.#options.uid ?? "publisher");
    const socket = new RecordSocket({
      url: `${addressNow(this.#options.url)}?${query}`,
      encoding: "json",
      onRecords: (records) => {
        for (const record of records) this.#take(record);
      },
      onClose: () => this.#lost(),
    });
    this.#socket = socket;
  }

  #lost(): void {
    this.#greeted = false;
    this.#socket = undefined;
    if (this.#stopped) return;
    setTimeout(() => this.#stopped || this.#connect(), RECONNECT_PAUSE_MS * (0.5 + Math.random()));
  }

  #send(pending: Pending): void {
    this.#socket?.send([{ type: "publish", id: pending.id, ...pending.fields }]);
  }

  #take(record: ServerRecord): void {
    if (record.type === "hello") {
      if (this.#greeted) return;
      this.#greeted = true;
      for (const pending of this.#pending.values()) this.#send(pending);
    } else if (record.type === "ack") {
      this.#acknowledge(record.id, record.offset);
    } else if (record.type === "error") {
      this.#refuse(record.id, record.code, record.retryAfterMs);
    }
  }

  #acknowledge(id: number, offset: number): void {
    const pending = this.#pending.get(id);
    if (!pending) return;
    const known = this.acked.get(offset);
    if (known !== undefined)
      this.faults.push(`offset ${offset} acknowledged for "${known}" and "${pending.fields.content}"`);
    this.#pending.delete(id);
    this.acked.set(offset, pending.fields.content);
    pending.resolve(offset);
  }

  #refuse(id: number | undefined, code: string, retryAfterMs = RETRY_PAUSE_MS): void {
    const pending = id === undefined ? undefined : this.#pending.get(id);
    if (!pending) {
      this.faults.push(`error ${code} without a publish`);
      return;
    }
    if (TRY_AGAIN.has(code)) {
      this.retries.set(code, (this.retries.get(code) ?? 0) + 1);
      setTimeout(() => {
        if (this.#greeted && this.#pending.has(pending.id)) this.#send(pending);
      }, retryAfterMs);
    } else {
      this.#pending.delete(pending.id);
      this.refused.push(`${code}: ${pending.fields.content}`);
    }
  }
}
