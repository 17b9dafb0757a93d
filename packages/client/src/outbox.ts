import { DanmakuError, type ErrorRecord, type PublishRecord } from "@danmakud/wire";
import { PENDING_MAX, SEND_TIMEOUT_MS } from "./limits.ts";
import type { Message, Sent } from "./types.ts";

interface Pending {
  readonly record: PublishRecord;
  readonly resolve: (sent: Sent) => void;
  readonly reject: (error: unknown) => void;
  readonly timer: ReturnType<typeof setTimeout>;
}

/**
 * Sends that have no answer yet, in order. Each has a key, so that sending it again over a new connection cannot
 * publish it twice.
 */
export class Outbox {
  readonly #pending = new Map<number, Pending>();
  #nextId = 1;

  /**
   * Adds a message. The promise settles when the server answers, the time is up, or `rejectAll`.
   * @param hand given the record to send now; may do nothing, `records` has it for later.
   */
  add(message: Message, hand: (record: PublishRecord) => void): Promise<Sent> {
    return new Promise((resolve, reject) => {
      if (this.#pending.size >= PENDING_MAX) {
        throw new DanmakuError("overloaded", `${PENDING_MAX} sends are waiting for their answer`);
      }
      const id = this.#nextId++;
      const record: PublishRecord = { key: randomKey(), ...message, type: "publish", id };
      hand(record);
      const timer = setTimeout(() => {
        const error = new DanmakuError("unavailable", "no answer in time; it may have arrived all the same");
        this.#take(id)?.reject(error);
      }, SEND_TIMEOUT_MS);
      this.#pending.set(id, { record, resolve, reject, timer });
    });
  }

  /** Sends everything again on a new connection, oldest first. */
  sendAll(hand: (record: PublishRecord) => void): void {
    for (const { record, reject } of [...this.#pending.values()]) {
      try {
        hand(record);
      } catch (error) {
        // Added while disconnected, and only now found to be unfit for the wire.
        this.#take(record.id);
        reject(error);
      }
    }
  }

  acked(id: number, offset: number): void {
    this.#take(id)?.resolve({ offset });
  }

  /** False = the error belongs to no send here. */
  refused({ id }: ErrorRecord, error: DanmakuError): boolean {
    const pending = id === undefined ? undefined : this.#take(id);
    pending?.reject(error);
    return pending !== undefined;
  }

  rejectAll(error: DanmakuError): void {
    for (const id of this.#pending.keys()) this.#take(id)?.reject(error);
  }

  #take(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    if (pending === undefined) return undefined;
    this.#pending.delete(id);
    clearTimeout(pending.timer);
    return pending;
  }
}

/** 96 random bits. Not `crypto.randomUUID`, which browsers withhold from pages without TLS. */
function randomKey(): string {
  return Array.from(crypto.getRandomValues(new Uint32Array(3)), (word) => word.toString(36)).join("-");
}
