import { DanmakuError, type ErrorRecord, type Message, type PublishRecord } from "@danmakud/wire";
import { backoffMs } from "./backoff.ts";
import { PENDING_MAX, SEND_TIMEOUT_MS } from "./limits.ts";
import type { Sent } from "./types.ts";

interface Pending {
  readonly record: PublishRecord;
  readonly resolve: (sent: Sent) => void;
  readonly reject: (error: unknown) => void;
  readonly timer: ReturnType<typeof setTimeout>;
  /** The server's last answer where that was `unavailable`. */
  error?: DanmakuError;
  again?: ReturnType<typeof setTimeout>;
  tries: number;
}

/**
 * Sends that have no answer yet, in order. Each has a key, so that sending it again (over a new connection, or when the
 * server did not know what became of it) cannot publish it twice.
 */
export class Outbox {
  readonly #pending = new Map<number, Pending>();
  readonly #hand: (record: PublishRecord) => void;
  #nextId = 1;

  /** @param hand given a record to send now; may do nothing where there is no connection: `sendAll` comes later. */
  constructor(hand: (record: PublishRecord) => void) {
    this.#hand = hand;
  }

  /** Adds a message. The promise settles when the server answers, the time is up, or `rejectAll`. */
  add(message: Message): Promise<Sent> {
    return new Promise((resolve, reject) => {
      if (this.#pending.size >= PENDING_MAX) {
        throw new DanmakuError("overloaded", `${PENDING_MAX} sends are waiting for their answer`);
      }
      const id = this.#nextId++;
      const record: PublishRecord = { key: randomKey(), ...message, type: "publish", id };
      this.#hand(record);
      const timer = setTimeout(() => {
        const pending = this.#take(id);
        pending?.reject(pending.error ?? new DanmakuError("unavailable", "no answer in time"));
      }, SEND_TIMEOUT_MS);
      this.#pending.set(id, { record, resolve, reject, timer, tries: 0 });
    });
  }

  /** Sends everything again on a new connection, oldest first. */
  sendAll(): void {
    for (const pending of [...this.#pending.values()]) this.#sendAgain(pending);
  }

  acked(id: number, offset: number): void {
    this.#take(id)?.resolve({ offset });
  }

  /** False = the error belongs to no send here. */
  refused({ id }: ErrorRecord, error: DanmakuError): boolean {
    const pending = this.#pending.get(id ?? -1);
    if (pending === undefined) return false;
    if (error.code !== "unavailable") {
      this.#take(pending.record.id);
      pending.reject(error);
      return true;
    }
    // Whether it was taken is unknown, and only the same key finds out.
    pending.error = error;
    clearTimeout(pending.again);
    pending.again = setTimeout(
      () => this.#sendAgain(pending),
      (error.retryAfterMs ?? 0) + backoffMs(pending.tries++, Math.random()),
    );
    return true;
  }

  rejectAll(error: DanmakuError): void {
    for (const id of this.#pending.keys()) this.#take(id)?.reject(error);
  }

  #sendAgain({ record, reject }: Pending): void {
    try {
      this.#hand(record);
    } catch (error) {
      // Added while disconnected, and only now found to be unfit for the wire.
      this.#take(record.id);
      reject(error);
    }
  }

  #take(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    if (pending === undefined) return undefined;
    this.#pending.delete(id);
    clearTimeout(pending.timer);
    clearTimeout(pending.again);
    return pending;
  }
}

/** 96 random bits. Not `crypto.randomUUID`, which browsers withhold from pages without TLS. */
function randomKey(): string {
  return crypto.getRandomValues(new Uint32Array(3)).join("-");
}
