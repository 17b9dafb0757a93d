import { CLOSE_CODES } from "@danmakud/wire";
import type { Delivery } from "./delivery.ts";
import type { ViewerId, ViewerSink } from "./hub.ts";
import { ROOM_LIMITS } from "./limits.ts";
import type { ViewerTable } from "./viewer-table.ts";

/** Every viewer is looked at once in this time. */
const ROUND_MS = 5000;
/**
 * Viewers that came together fall due together, and each ping is a write and an answer: at most so many go out that all
 * viewers are pinged in this time. With what `pingAfterMs` and a round take, that ends well before a silence counts.
 */
const PINGS_ROUND_MS = 15_000;
/** A sweep that comes late does not make up for more than this: a machine that was held up needs no burst of work. */
const LATE_MS_MAX = 1000;

/** Looks after viewers by the clock: pings the silent, closes the dead and the stuck. A part of the table each time. */
export class ViewerSweep {
  readonly #table: ViewerTable;
  readonly #delivery: Delivery;
  #row = 0;
  #sweptAt = 0;
  /** Pings that this sweep may still send. */
  #pings = 0;

  constructor(table: ViewerTable, delivery: Delivery) {
    this.#table = table;
    this.#delivery = delivery;
  }

  sweep(now: number): void {
    const { rows } = this.#table;
    const passedMs = Math.min(now - this.#sweptAt, LATE_MS_MAX);
    const share = Math.min(rows, Math.ceil((rows * passedMs) / ROUND_MS) + 1);
    this.#pings = Math.ceil((rows * passedMs) / PINGS_ROUND_MS) + 1;
    this.#sweptAt = now;
    for (let i = 0; i < share; i++) {
      if (this.#row >= rows) this.#row = 0;
      this.#look(this.#row++, now);
    }
  }

  #look(viewer: ViewerId, now: number): void {
    const sink = this.#table.sinks[viewer];
    if (sink === undefined) return;
    this.#delivery.closeIfStuck(viewer, now);
    if (sink.ping === undefined) return;
    const silence = now - (this.#table.heardAt[viewer] as number);
    if (silence >= ROOM_LIMITS.silenceMsMax) sink.close(CLOSE_CODES.heartbeat_timeout, "no sign of life");
    else if (silence >= ROOM_LIMITS.pingAfterMs) this.#ask(viewer, sink, silence, now);
  }

  #ask(viewer: ViewerId, sink: ViewerSink, silence: number, now: number): void {
    const { rooms, pingOwed } = this.#table;
    const passedAt = rooms[viewer]?.passedAt ?? Number.NEGATIVE_INFINITY;
    if (silence >= ROOM_LIMITS.pingAtLatestMs || now - passedAt >= ROOM_LIMITS.pingAfterMs) {
      if (this.#pings-- <= 0) return;
      pingOwed[viewer] = 0;
      sink.ping?.();
    } else if (silence >= ROOM_LIMITS.pingWithFrameMs) pingOwed[viewer] = 1;
  }
}
