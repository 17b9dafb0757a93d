import type { Timers } from "@danmakud/core/ports";
import { type ListedRoom, RETRY_AFTER_MS } from "@danmakud/core/rooms";
import { DanmakuError } from "@danmakud/wire";
import { say } from "./thread.ts";

/** Questions under way; an admin asks now and then, not in storms. */
const QUESTIONS_MAX = 256;
const ANSWER_MS_MAX = 5000;

/** A gateway's questions for lists of rooms, which main passes on to the sequencer. */
export class RoomLists {
  readonly #open = new Map<number, (rooms: readonly ListedRoom[]) => void>();
  readonly #timers: Timers;
  #nextId = 0;

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  ask(after: string, limit: number): Promise<readonly ListedRoom[]> {
    if (this.#open.size >= QUESTIONS_MAX)
      return Promise.reject(new DanmakuError("overloaded", "too many lists at once"));
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const late = this.#timers.after(ANSWER_MS_MAX, () => {
        this.#open.delete(id);
        reject(
          new DanmakuError("unavailable", "no answer in time", { retryAfterMs: RETRY_AFTER_MS.unavailable }),
        );
      });
      this.#open.set(id, (rooms) => {
        this.#timers.cancel(late);
        resolve(rooms);
      });
      say({ type: "list", id, after, limit });
    });
  }

  answer(id: number, rooms: readonly ListedRoom[]): void {
    this.#open.get(id)?.(rooms);
    this.#open.delete(id);
  }
}
