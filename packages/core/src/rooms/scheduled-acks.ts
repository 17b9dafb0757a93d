/**
 * Who wants to know when a scheduled danmaku of theirs is in the log: publishers with a connection on this gateway. The
 * ack goes out once the danmaku is on disk, like any other.
 */
import { ROOM_LIMITS } from "./limits.ts";

interface Asker {
  readonly token: number;
  readonly id: number;
}

interface Delivered extends Asker {
  readonly offset: number;
  readonly position: number;
}

export class ScheduledAcks {
  readonly #askers = new Map<number, Asker>();
  /** Acks that wait for the disk, in the order of the ring. */
  readonly #delivered: Delivered[] = [];

  /** `token` and `id` name the publish of a danmaku that this node knows by `number`. The last one to ask is told. */
  ask(number: number, token: number, id: number): void {
    if (this.#askers.size < ROOM_LIMITS.scheduledMax) this.#askers.set(number, { token, id });
  }

  /** The danmaku was put into the log; `position` is that of its entry in the ring. */
  delivered(number: number, offset: number, position: number): void {
    const asker = this.#askers.get(number);
    if (asker === undefined) return;
    this.#askers.delete(number);
    this.#delivered.push({ ...asker, offset, position });
  }

  /** The danmaku was taken back: who would have been told of it. */
  cancelled(number: number): Asker | undefined {
    const asker = this.#askers.get(number);
    this.#askers.delete(number);
    return asker;
  }

  /** Everything up to the ring position is on disk. */
  durable(position: number, ack: (token: number, id: number, offset: number) => void): void {
    while (this.#delivered[0] !== undefined && this.#delivered[0].position <= position) {
      const { token, id, offset } = this.#delivered[0];
      this.#delivered.shift();
      ack(token, id, offset);
    }
  }
}
