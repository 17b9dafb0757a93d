/** Questions for history that take more than one turn of the loop: each turn reads a page for one of them. */
import { DanmakuError } from "@danmakud/wire";
import type { RoomLogReader } from "../ports/index.ts";
import { headAt } from "./held-records.ts";
import { HistoryReading } from "./history.ts";
import type { HistoryPage, HistoryQuery } from "./hub.ts";
import { RETRY_AFTER_MS, ROOM_LIMITS } from "./limits.ts";

/** Of one question per turn. */
const STEPS = 3;

type OnPage = (page: HistoryPage | DanmakuError) => void;

/** Which life of the room was asked for, and how far it has come. */
type Life = Pick<HistoryPage, "epoch" | "head">;

interface Question {
  readonly reading: HistoryReading;
  readonly epoch: string;
  readonly head: number;
  readonly onPage: OnPage;
}

export class HistoryDesk {
  readonly #log: RoomLogReader;
  readonly #report: (message: string, cause: unknown) => void;
  readonly #wake: () => void;
  /** In the order of their turns. */
  readonly #questions = new Set<Question>();
  /** What they ask for is being fetched. */
  readonly #waiting = new Set<Question>();

  /** `wake` has `turn` called soon. */
  constructor(
    log: RoomLogReader,
    report: (message: string, cause: unknown) => void,
    wake: () => void = () => {},
  ) {
    this.#log = log;
    this.#report = report;
    this.#wake = wake;
  }

  /**
   * Answers at once where a few pages do, as nearly always; else in later turns.
   * @param through Time of the newest danmaku that may be told, Unix ms; infinite where all may.
   * @param isStored The log has everything up to the room's head. Where not, it tells what it has.
   */
  ask(
    room: string,
    life: Life,
    isStored: boolean,
    query: HistoryQuery,
    onPage: OnPage,
    through: number,
  ): void {
    if (this.#questions.size + this.#waiting.size >= ROOM_LIMITS.historiesMax) {
      onPage(
        new DanmakuError("overloaded", "too much history is being read", {
          retryAfterMs: RETRY_AFTER_MS.refused,
        }),
      );
      return;
    }
    const { epoch } = life;
    try {
      const known = isStored ? life.head : Math.min(life.head, this.#log.room(room)?.head ?? 0);
      const head = through === Number.POSITIVE_INFINITY ? known : headAt(this.#log, room, known, through);
      this.#work({ reading: new HistoryReading(this.#log, room, head, query), epoch, head, onPage });
    } catch (cause) {
      onPage(this.#unreadable(room, cause));
    }
  }

  /** Reads a few pages for whoever waited longest; returns whether anybody waits. */
  turn(): boolean {
    const [question] = this.#questions;
    if (question === undefined) return false;
    this.#questions.delete(question);
    // The room may have been forgotten and begun anew meanwhile: offsets of two lives must not mix.
    if (this.#isOfAnotherLife(question)) {
      question.onPage(
        new DanmakuError("unavailable", "the room began anew while its history was read", {
          retryAfterMs: RETRY_AFTER_MS.refused,
        }),
      );
    } else this.#work(question);
    return this.#questions.size > 0;
  }

  #work(question: Question): void {
    const { reading, epoch, head, onPage } = question;
    try {
      // The last ones take three: a look where they begin, the reading, a look whether they are enough.
      for (let step = 0; step < STEPS; step++) {
        const state = reading.step(() => this.#ready(question));
        if (state === "more") continue;
        if (state === "done") onPage({ epoch, head, bytes: reading.bytes() });
        else this.#waiting.add(question);
        return;
      }
      this.#questions.add(question);
    } catch (cause) {
      onPage(this.#unreadable(reading.room, cause));
    }
  }

  #ready(question: Question): void {
    if (!this.#waiting.delete(question)) return;
    this.#questions.add(question);
    this.#wake();
  }

  #isOfAnotherLife({ reading, epoch }: Question): boolean {
    try {
      const stored = this.#log.room(reading.room);
      return stored !== undefined && stored.epoch !== epoch;
    } catch {
      // The read that follows fails likewise, and says so.
      return false;
    }
  }

  #unreadable(room: string, cause: unknown): DanmakuError {
    this.#report(`history of room ${room} cannot be read`, cause);
    return new DanmakuError("unavailable", "history cannot be read", { cause });
  }
}
