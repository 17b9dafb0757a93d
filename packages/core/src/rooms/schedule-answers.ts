/** Tells gateways what has become of scheduled danmaku on a shared log. */

import type { Counters } from "../ports/index.ts";
import type { BroadcastWriter, Origin } from "./broadcast-writer.ts";
import { METRICS } from "./metrics.ts";
import type { SharedRoom } from "./shared-room.ts";

export interface ScheduleAnswersOptions {
  readonly writer: BroadcastWriter;
  readonly counters: Counters;
  /** Writes an answer once the ring has room for it. */
  readonly later: (write: () => void) => void;
}

export class ScheduleAnswers {
  readonly #options: ScheduleAnswersOptions;
  /** What gateways know danmaku by that this node had wait: over all rooms, and none of it twice for a long time. */
  #lastAsked = 0;

  constructor(options: ScheduleAnswersOptions) {
    this.#options = options;
  }

  /** It waits under this number; with `isRepeat` since an earlier publish with its key. */
  waits(room: SharedRoom, origin: Origin, scheduled: number, deliverAt: number, isRepeat: boolean): void {
    const { writer, counters, later } = this.#options;
    counters.add(isRepeat ? METRICS.repeats : METRICS.scheduled, 1);
    const asked = room.asked.ask(scheduled, this.#takeAsked());
    later(() => writer.scheduled(room.number, origin, scheduled, deliverAt, asked));
    // The message of its delivery may overtake the answer.
    const early = room.asked.early(scheduled);
    if (early !== undefined) this.delivered(room, scheduled, early.offset, early.ts);
  }

  /** It is in the log. */
  delivered(room: SharedRoom, scheduled: number, offset: number, ts: number): void {
    const { writer, later } = this.#options;
    const asked = room.asked.take(scheduled);
    if (asked !== 0) later(() => writer.delivered(room.number, asked, offset, ts));
    else if (room.isScheduling) room.asked.keepEarly(scheduled, offset, ts);
  }

  /** It was taken back, here (`origin`: who did) or on another node. */
  cancelled(room: SharedRoom, scheduled: number, origin: Origin | undefined): void {
    const { writer, later } = this.#options;
    const asked = room.asked.take(scheduled);
    if (asked !== 0 || origin !== undefined) later(() => writer.unscheduled(asked, origin));
  }

  /** The room is let go of: nobody is left to be told. */
  forgotten(room: SharedRoom): void {
    const { writer, later } = this.#options;
    for (const asked of room.asked.takeAll()) later(() => writer.unscheduled(asked, undefined));
  }

  #takeAsked(): number {
    this.#lastAsked = this.#lastAsked === 0x7fff_ffff ? 1 : this.#lastAsked + 1;
    return this.#lastAsked;
  }
}
