/** Live traffic: an open loop that publishes at a fixed pace, to one room after another. */
import { encodeClientRecord } from "@danmakud/wire";
import { sharedMicros } from "../load/clock.ts";
import { LatencyHistogram } from "../load/histogram.ts";
import { sleepExactly, sleepMicros } from "../load/libc.ts";
import { makePayload } from "../load/payload.ts";
import type { Crowd } from "./crowd.ts";

/** Rooms take turns in steps of this (a prime above any number of rooms in use), so that neighbours in time are not neighbours. */
const STRIDE = 7919;
/** Acks that are late are waited for, but not for ever. */
const ANSWER_MICROS_MAX = 5e6;
/** A pause shorter than this is slept exactly; longer ones are spent waiting for sockets. */
const EXACT_MICROS = 2000;

export interface Published {
  /** Danmaku sent, by connection, which is by room. */
  readonly sent: number[];
  /** How late they left, as a histogram. */
  readonly lateness: string;
}

/**
 * Publishes on all connections of the crowd in turn. Danmaku carry the time at which they were due, so that a publisher
 * or a node that falls behind shows as latency.
 */
export function publish(crowd: Crowd, perSecond: number, seconds: number): Published {
  const rooms = crowd.counts.joined;
  const sent = new Array<number>(rooms).fill(0);
  const lateness = new LatencyHistogram();
  const message = new Uint8Array(256);
  const count = Math.round(perSecond * seconds);
  const start = Math.ceil(sharedMicros()) + 100_000;
  sleepExactly();
  for (let i = 0; i < count; i++) {
    const due = Math.round(start + (i * 1e6) / perSecond);
    for (let left = due - sharedMicros(); left > 0; left = due - sharedMicros()) {
      if (left < EXACT_MICROS) sleepMicros(left);
      else crowd.turn(Math.floor((left - EXACT_MICROS) / 1000) + 1);
    }
    const room = (i * STRIDE) % rooms;
    const record = { type: "publish", id: i, content: makePayload(due, i) } as const;
    crowd.send(room, message.subarray(0, encodeClientRecord(record, message, 0)));
    sent[room] = (sent[room] ?? 0) + 1;
    lateness.record(sharedMicros() - due);
    crowd.turn(0);
  }
  const deadline = sharedMicros() + ANSWER_MICROS_MAX;
  while (crowd.counts.acks + crowd.counts.errors < count && sharedMicros() < deadline) crowd.turn(10);
  return { sent, lateness: lateness.toText() };
}
