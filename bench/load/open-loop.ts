/** Publishes at a fixed rate, whatever comes back: each payload carries when it was meant to be sent. */
import { sharedMicros } from "./clock.ts";
import { sleepMicros } from "./libc.ts";
import { makePayload } from "./payload.ts";
import type { PublisherLink } from "./publisher-links.ts";

export interface Schedule {
  readonly ratePerSecond: number;
  readonly seconds: number;
  /** What is due within a tick is meant for its beginning, as one batch. */
  readonly tickMicros: number;
  /** Number of the first payload. */
  readonly first: number;
}

export interface Published {
  /** Payloads whose time came. */
  readonly offered: number;
  /** Of these, handed to the system's connection. */
  readonly sent: number;
  /** Worst delay of a batch against its time while the connection had room, µs: the generator's own fault. */
  readonly lateMicrosMax: number;
}

/** Runs the schedule to its end; blocks the thread. What the connection cannot take by then is offered but not sent. */
export function runSchedule(link: PublisherLink, schedule: Schedule): Published {
  const { ratePerSecond, seconds, first } = schedule;
  const tickMicros = Math.max(schedule.tickMicros, 1e6 / ratePerSecond);
  const ticks = Math.round((seconds * 1e6) / tickMicros);
  const begin = Math.ceil(sharedMicros()) + tickMicros;
  const dueAfter = (tick: number): number => Math.floor((ratePerSecond * tick * tickMicros) / 1e6 + 1e-6);
  let tick = 0;
  let lateMicrosMax = 0;
  while (tick < ticks && !link.isClosed) {
    const now = sharedMicros();
    const intended = Math.round(begin + tick * tickMicros);
    if (now < intended) {
      link.turn();
      sleepMicros(intended - sharedMicros());
      continue;
    }
    const from = dueAfter(tick);
    const count = dueAfter(tick + 1) - from;
    const payloads: string[] = [];
    for (let i = 0; i < count; i++) payloads.push(makePayload(intended, first + from + i));
    const hadRoom = link.waitingBytes === 0;
    if (count > 0 && !link.publish(payloads, first + from)) {
      link.turn();
      sleepMicros(100);
      if (now > begin + seconds * 1e6) break;
      continue;
    }
    if (hadRoom) lateMicrosMax = Math.max(lateMicrosMax, now - intended);
    link.turn();
    tick++;
  }
  return { offered: dueAfter(ticks), sent: dueAfter(tick), lateMicrosMax };
}
